"""Fixtures that every test may use, and an Airflow of their own, set up before anything imports airflow."""

import atexit
import json
import logging
import os
import re
import shutil
import sqlite3
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

if "airflow" in sys.modules:
    raise pytest.UsageError("airflow was imported before tests/conftest.py could give it a home of its own")

# A developer's own Airflow may be configured in the environment; its database is none of our business.
for name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
    del os.environ[name]
HOME = tempfile.mkdtemp(prefix="rokt-airflow-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # dag.test() on Airflow 3 wants its DAG in the configured folder.
    "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-these-tests-only-" * 3,
    # One for this process and those that tests start: each would make up its own and not read the other's variables.
    "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(b"a key of these tests only".ljust(32)).decode(),
    # The first call to the in-process execution API takes longer than the default 5 s on a small machine.
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
}

import airflow_provider_rokt  # noqa: E402
from airflow_provider_rokt.api.endpoints import BULK  # noqa: E402
from airflow_provider_rokt.flow.lines import LINE_CHARS  # noqa: E402
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef  # noqa: E402
from airflow_provider_rokt.ledger.overview import Ledger  # noqa: E402
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord  # noqa: E402
from airflow_provider_rokt.ledger.report import Tally  # noqa: E402
from airflow_provider_rokt.ledger.writer import LedgerWriter  # noqa: E402
from airflow_provider_rokt.sandbox import Sandbox  # noqa: E402
from airflow_provider_rokt.storage.local_folder import LocalFolder  # noqa: E402
from airflow_provider_rokt.storage.store_folder import StoreFolder  # noqa: E402

ACCEPTED = VerdictRecord(Outcome.ACCEPTED, 202, 1)
REJECTED = VerdictRecord(Outcome.REJECTED, 400, 1, "is no e-mail address", "user_identities.email")
FAILED = VerdictRecord(Outcome.FAILED, None, 1, "not sent: Rokt did not answer")

PACKAGE = str(Path(airflow_provider_rokt.__file__).parent)
# A line may be as long as the address of a ledger that it names.
ADDRESS = re.compile(r"\w+://\S+")

# Time limits tell nothing on a busy machine. Whatever else is set, as by CI, stays.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _no_wide_line() -> Iterator[None]:
    """Whatever a test has logged, no line of it is wider than a page of Airflow's UI shows.

    Records are looked at as they are made: a task's own log takes them to where no handler of a test is.
    """
    wide: list[str] = []
    ours = logging.getLogger(airflow_provider_rokt.__name__)
    make = logging.getLogRecordFactory()

    def made(*args: Any, **more: Any) -> logging.LogRecord:
        record = make(*args, **more)
        if record.pathname.startswith(PACKAGE):
            wide.extend(line for line in record.getMessage().splitlines() if len(ADDRESS.sub("", line)) > LINE_CHARS)
        return record

    logging.setLogRecordFactory(made)
    # As Airflow has it.
    ours.setLevel(logging.INFO)
    yield
    ours.setLevel(logging.NOTSET)
    logging.setLogRecordFactory(make)
    assert wide == []


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox: Sandbox) -> Iterator[Sandbox]:
    """A local Rokt that holds nothing and has no faults or limits; ``reset(Settings(...))`` gives it others."""
    _sandbox.reset()
    yield _sandbox
    # Faults set by one test, such as a long delay, must not reach what another still has in flight.
    _sandbox.reset()


@pytest.fixture(params=["disk", "store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalFolder | StoreFolder]:
    """A folder that does not exist yet."""
    if request.param == "disk":
        yield LocalFolder(tmp_path / "states" / "vip")
        return
    from fsspec.implementations.memory import MemoryFileSystem

    store = MemoryFileSystem()
    yield StoreFolder(store, f"/{tmp_path.name}/vip", f"memory://{tmp_path.name}/vip")
    if store.exists(f"/{tmp_path.name}"):
        store.rm(f"/{tmp_path.name}", recursive=True)


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's own database, needed by ``dag.test()``."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def ledger(tmp_path, monkeypatch) -> Ledger:
    """The ledger that ``[rokt] ledger_path`` names; empty."""
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(tmp_path / "ledger"))
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def begin(ledger) -> Callable[..., LedgerWriter]:
    """Begins a delivery; the argument is its id."""
    return lambda delivery_id=None: ledger.begin("conversions", {"dag_id": "orders"}, {}, delivery_id)


@pytest.fixture
def finish() -> Callable[..., dict[str, Any]]:
    """Ends a delivery with so many batches of one row each, and returns its result as the operator does."""
    return _finish


def _finish(writer: LedgerWriter, accepted: int = 0, rejected: int = 0, failed: int = 0, complete: bool = True) -> Any:
    tally = Tally(read=accepted + rejected + failed, accepted=accepted)
    batches = (ACCEPTED,) * accepted + (REJECTED,) * rejected + (FAILED,) * failed
    for start in range(0, len(batches), 100):
        part = batches[start : start + 100]
        number = tally.requests = tally.requests + 1
        tally.batches += len(part)
        tally.status_codes["202"] += 1
        writer.request(RequestRecord(number, BULK.path, 202, 1, 100, 1.0, start + 1, start + len(part), part))
    for outcome, count, verdict in ((Outcome.REJECTED, rejected, REJECTED), (Outcome.FAILED, failed, FAILED)):
        fault = FieldFault(verdict.path, verdict.reason)
        rows = [RowFault(RowRef(n, f"order-{n}"), (fault,)) for n in range(1, count + 1)]
        writer.rows(outcome, rows)
        (tally.reject if outcome is Outcome.REJECTED else tally.fail)(rows)
    report = tally.report(writer.delivery_id, writer.uri)
    writer.finish(report, complete)
    return report.summary()


@pytest.fixture
def deliver(begin, finish) -> Callable[..., dict[str, Any]]:
    """A whole delivery, see :func:`finish`."""
    return lambda **counts: finish(begin(), **counts)


@pytest.fixture
def rokt(sandbox, monkeypatch):
    """Connects ``rokt_default`` to the sandbox, unpaced; call it with fields and extras to change the connection."""

    def connect(via="v1", **changes):
        connection = sandbox.connection(via)
        extra = connection["extra"] | {"batches_per_second": 100_000} | changes.pop("extra", {})
        monkeypatch.setenv("AIRFLOW_CONN_ROKT_DEFAULT", json.dumps(connection | {"extra": extra} | changes))

    connect()
    return connect


@pytest.fixture
def shop(tmp_path, monkeypatch, ledger):
    """Writes rows (dicts) as the table ``orders`` of the connection ``shop``."""
    path = tmp_path / "shop.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(path)}))

    def write(rows):
        path.unlink(missing_ok=True)
        columns = list(rows[0])
        with sqlite3.connect(path) as database:
            database.execute(f"CREATE TABLE orders ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            database.executemany(f"INSERT INTO orders VALUES ({marks})", [tuple(row.values()) for row in rows])

    return write


@pytest.fixture
def said(caplog, capfd):
    """Everything logged so far, at any level: Airflow writes a task's own log to standard output."""
    caplog.set_level(logging.DEBUG)

    def read():
        captured = capfd.readouterr()
        return caplog.text + captured.out + captured.err

    return read


@pytest.fixture
def rokt_cli(monkeypatch, capsys):
    """Runs a command in this process; gives its status, what it printed and what it said of errors."""
    from airflow_provider_rokt.__main__ import main

    # The commands change it for their process; this one goes on.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        return exit.value.code, *capsys.readouterr()

    return run
