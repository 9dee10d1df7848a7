"""Memory does not grow with the rows: whole deliveries, from a SQL query to the network, each in its own process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.process import SandboxProcess
from tests.bounded import child

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MIB = 1024  # KiB

NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {rows})"
ORDERS = f"""
    {NUMBERS}
    SELECT 'order-' || x AS source_message_id, 'person' || (x / {{per_user}}) || '@example.com' AS email,
        strftime('%s') - x % 1000 AS timestamp_unixtime_ms, 'purchase' AS conversiontype, '9.99' AS amount FROM n
"""
MEMBERS = f"{NUMBERS} SELECT 'person' || x || '@example.com' AS email FROM n"


@pytest.fixture
def sink():
    """The address of a server that takes every request at next to no cost."""
    command = [sys.executable, "-m", "benchmarks.sink"]
    with child(command, cwd=ROOT) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


@pytest.fixture
def deliver(tmp_path):
    """Runs an operator over a connection to Rokt, and returns its report and the process's peak memory in KiB."""

    def run(connection, operator, **arguments):
        connection["extra"] |= {"batches_per_second": 1e9}
        done = subprocess.run(
            [sys.executable, "-m", "tests.runs.peak_memory", json.dumps({"operator": operator, **arguments})],
            cwd=ROOT,
            env=os.environ
            | {
                "AIRFLOW_CONN_ROKT_DEFAULT": json.dumps(connection),
                "AIRFLOW_CONN_SHOP": json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "empty.sqlite")}),
                "AIRFLOW__ROKT__LEDGER_PATH": str(tmp_path / "ledger"),
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        measured = json.loads(done.stdout.splitlines()[-1])
        return measured["report"], measured["peak"]

    return run


@pytest.mark.parametrize(
    ("per_user", "grouped", "large"), [(1, True, 400_000), (3, True, 400_000), (3, "result", 120_000)]
)
def test_conversions(sink, deliver, per_user, grouped, large):
    connection = {"conn_type": "rokt", "login": "key", "password": "secret"}
    connection["extra"] = {"events_url": sink, "allow_any_host": True}
    peaks = []
    for rows in (20_000, large):
        report, peak = deliver(
            connection,
            "RoktConversionOperator",
            sql=ORDERS.format(rows=rows, per_user=per_user),
            group_by_user=grouped,
        )
        assert report["rows_accepted"] == rows
        peaks.append(peak)
    # Measured: 1.3 to 1.6 MiB. 380,000 rows in a list would be some 150, 100,000 some 40.
    assert peaks[1] - peaks[0] <= 8 * MIB


def test_an_audience(deliver):
    """Rokt takes its time, so that as many requests are on their way as may be."""
    with SandboxProcess(Settings(keep="counts")) as sandbox:
        sandbox.ask("/sandbox/faults", "POST", {"kind": "delay", "seconds": 1})
        peaks = []
        for members in (400_000, 1_000_000):
            report, peak = deliver(
                sandbox.connection(), "RoktAudienceOperator", audience="vip", sql=MEMBERS.format(rows=members)
            )
            assert (report["rows_accepted"], report["requests"]) == (members, members // 100_000)
            peaks.append(peak)
        assert sandbox.ask("/sandbox/summary")["audiences"] == {"vip": 1_000_000}
    # With four requests as many are on their way as may be: the growth measured is 0. Six more in memory would be
    # 96 MiB: each 7 MB of members, the same again as its body, 2 MB of row numbers and keys.
    assert peaks[1] - peaks[0] <= 28 * MIB
