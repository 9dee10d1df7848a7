"""Reads results of two sizes and prints what the second added to this process's peak memory, in KiB.

Run as ``python peak_memory.py '{"conn_id": ..., "small": sql, "large": sql, "blocked": [...]}'``, where modules that
are ``blocked`` cannot be imported. It prints a JSON object: ``streamed`` for :class:`SqlSource`, and then ``whole``
for ``get_records`` on the large query too, which shows what a reader that keeps the result would have added.
"""

import json
import re
import resource
import sys
from pathlib import Path


def peak() -> int:
    """The most memory this program ever had, in KiB.

    Not ``ru_maxrss``, where Linux begins with what the process had before it became this program: a large pytest
    would hide any growth below its own size.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def main() -> None:
    task = json.loads(sys.argv[1])
    for module in task["blocked"]:
        sys.modules[module] = None  # type: ignore[assignment]

    from airflow.providers.common.compat.sdk import BaseHook

    from airflow_provider_rokt.sources import SqlSource

    def rows(sql: str) -> int:
        counts: list[int] = []
        source = SqlSource(task["conn_id"], sql, hook_params={"log_sql": False}, fetch_size=1000)
        source.read(lambda columns, window: counts.append(len(window)))
        assert max(counts) <= 1000
        return sum(counts)

    small = rows(task["small"]), peak()
    large = rows(task["large"]), peak()
    hook = BaseHook.get_connection(task["conn_id"]).get_hook()
    whole = len(hook.get_records(task["large"])), peak()
    print(
        json.dumps(
            {
                "rows": [small[0], large[0], whole[0]],
                "streamed": large[1] - small[1],
                "whole": whole[1] - large[1],
                "driver": type(hook.get_conn()).__module__.partition(".")[0],
            }
        )
    )


if __name__ == "__main__":
    main()
