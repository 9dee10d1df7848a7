"""One delivery in a process of its own, for the most memory it ever had.

``python -m tests.runs.peak_memory '{"operator": "RoktConversionOperator", ...its arguments}'`` prints a JSON object:
the delivery's report and ``peak`` in KiB.
"""

import json
import os
import sys


def main() -> None:
    from airflow_provider_rokt.operators import rokt
    from tests.databases.peak_memory import peak

    arguments = json.loads(sys.argv[1])
    operator = getattr(rokt, arguments.pop("operator"))
    report = operator(task_id="send", sql_conn_id="shop", **arguments).execute({})
    print(f"\n{json.dumps({'report': report, 'peak': peak()})}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
