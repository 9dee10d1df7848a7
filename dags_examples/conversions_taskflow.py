"""Rows that are in no database: whatever Python can yield goes through the hook, with the same verdicts and report."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_rokt.hooks.rokt import RoktHook

with DAG(
    dag_id="rokt_conversions_taskflow",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:

    @task
    def send_signups() -> dict[str, Any]:
        def signups() -> Iterator[dict[str, Any]]:
            for number in range(250):
                yield {
                    "email": f"Newcomer{number}@Example.com ",
                    "timestamp_unixtime_ms": datetime.now(UTC),
                    "source_message_id": f"signup-{number}",
                    "conversiontype": "signup",
                    "mobile": f"+1 (212) 555-{number:04d}",
                }

        return RoktHook().send_conversions(signups(), max_rejected=0)

    send_signups()
