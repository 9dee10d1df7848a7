"""A DAG for a real Airflow whose task says which process it is, see ``tests/kills/real.py``."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator


class ToldOperator(RoktConversionOperator):
    """One that writes down its process and the one above, for whoever wants to kill them."""

    def execute(self, context: Any) -> Any:
        """Sends the rows."""
        told = {"task": os.getpid(), "supervisor": os.getppid(), "try": context["ti"].try_number}
        with Path(os.environ["ROKT_KILLS_TOLD"]).open("a") as file:
            file.write(json.dumps(told) + "\n")
        return super().execute(context)


with DAG("kills", start_date=datetime(2026, 1, 1), schedule=None, is_paused_upon_creation=False):
    ToldOperator(
        task_id="send",
        sql="SELECT * FROM orders ORDER BY random()",
        sql_conn_id="shop",
        retries=5,
        retry_delay=timedelta(seconds=1),
    )
