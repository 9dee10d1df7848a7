"""Kills tasks of a real Airflow 3:  python -m tests.kills.real, or with ``--celery`` and two workers.

``--parts`` plays the example in parts on those two workers instead, and kills one of them.

Wants Airflow with all its parts in the environment that runs it; ``--celery`` wants what
``apache-airflow[celery,postgres]`` brings (celery before 5.7, which the provider of today cannot be imported with),
redis on port 6379, and on port 5432 a PostgreSQL that trusts user ``postgres`` and has an empty database
``rokt_kills``. Takes some minutes, most of them for Airflow to notice that a heart no longer beats.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import Delay

# Before what imports Airflow.
from tests import conftest as conftest
from tests.kills.asking import PORT, ask, until
from tests.kills.onlooker import Taken, held_twice, remembered
from tests.kills.plan import ROWS
from tests.kills.real_parts import Broken, Parts
from tests.kills.trial import Warehouse

# More than there are requests.
_MANY: Final = 1_000_000
DATABASE: Final = "rokt_kills"


def environment(home: Path, *, celery: bool) -> dict[str, str]:
    """What every part of Airflow begins with."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(home / "dags"),
        "CORE__EXECUTOR": "CeleryExecutor" if celery else "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{PORT}/execution/",
        "API__PORT": str(PORT),
        "API__BASE_URL": f"http://localhost:{PORT}",
        "API__WORKERS": "1",
        "CORE__FERNET_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "API_AUTH__JWT_SECRET": "a-secret-of-these-kills-only-" * 3,
        "WORKERS__EXECUTION_API_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
        "LOGGING__LOGGING_LEVEL": "INFO",
    }
    if celery:
        settings |= {
            "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres@127.0.0.1:5432/{DATABASE}",
            "CELERY__BROKER_URL": "redis://127.0.0.1:6379/7",
            "CELERY__RESULT_BACKEND": f"db+postgresql://postgres@127.0.0.1:5432/{DATABASE}",
        }
    told = {"AIRFLOW_HOME": str(home), "ROKT_KILLS_TOLD": str(home / "told")}
    return own | told | {f"AIRFLOW__{name}": value for name, value in settings.items()}


@contextmanager
def part(home: Path, env: dict[str, str], *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A part of Airflow, in a process group of its own."""
    airflow = str(Path(sys.executable).with_name("airflow"))
    with (home / f"{'-'.join(command[:4]).strip('%@h')}.log").open("wb") as log:
        process = subprocess.Popen([airflow, *command], env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


class Scene:
    """One run of the DAG, and those who die in it.

    :param name: who dies.
    :param seconds: that an answer of the sandbox takes.
    """

    dag_id: ClassVar = "kills"

    def __init__(
        self, name: str, sandbox: Sandbox, home: Path, ledger: Path, workers: list[Any], seconds: float
    ) -> None:
        self._seconds = seconds
        self.name, self._sandbox, self._home, self._ledger, self._workers = name, sandbox, home, ledger, workers

    def play(self) -> str:
        """Plays it; what came of it."""
        sandbox, run_id = self._sandbox, f"{self.name}-{time.time():.0f}".replace(" ", "-")
        sandbox.reset()
        (self._home / "told").write_text("")
        marked = len(remembered(self._ledger))
        sandbox.faults.add(Delay(seconds=self._seconds, times=_MANY))
        ask(f"/api/v2/dags/{self.dag_id}/dagRuns", {"dag_run_id": run_id, "logical_date": None})
        until("the first requests", lambda: len(sandbox.store.requests) >= 8)
        self._kill()
        killed = time.monotonic()
        # An orphan goes on for as long as it lives; the next try shows when it begins.
        until("the next try", lambda: len(self._told()) >= 2)
        before, marks = Taken.by(sandbox, "conversions"), len(remembered(self._ledger)) - marked
        waited = time.monotonic() - killed
        state = until("the end of the run", lambda: self._ended(run_id))
        return self._summary(state, waited, before, marks)

    def _summary(self, state: str, waited: float, before: Taken, marks: int) -> str:
        store, after = self._sandbox.store, Taken.by(self._sandbox, "conversions")
        again = after.posted - len(after.rows)
        tries = [told["try"] for told in self._told()]
        return (
            f"{self.name}: {state}, tries {tries}, the second {waited:.0f} s after the kill. {len(before.rows)} rows "
            f"were taken by then, {marks} remembered. In the end {len(after.rows)} of {ROWS} rows are there, "
            f"{held_twice(self._sandbox)} stored twice, {again} sent again; {store.counts.repeated_messages} of them "
            "in new batches"
        )

    def _told(self) -> list[dict[str, int]]:
        return [json.loads(line) for line in (self._home / "told").read_text().splitlines()]

    def _kill(self) -> None:
        told = self._told()[-1]
        if self.name == "the worker":
            for worker in [worker for worker in self._workers if _is_above(worker.pid, told["supervisor"])]:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait(15)
            pids = [told["task"], told["supervisor"]]
        else:
            pids = [told[who] for who in ("supervisor", "task") if who in self.name]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _ended(self, run_id: str) -> str:
        state = ask(f"/api/v2/dags/{self.dag_id}/dagRuns/{run_id}")["state"]
        return str(state) if state in ("success", "failed") else ""


def _is_above(pid: int, other: int) -> bool:
    """Whether a process is the other one, or its parent's parent and so on."""
    while other > 1 and other != pid:
        other = int(Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()[1])
    return other == pid


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills.real", description=__doc__)
    parser.add_argument("--celery", action="store_true", help="with two Celery workers, one of which dies")
    parser.add_argument("--parts", action="store_true", help="the example in parts, which implies --celery")
    parser.add_argument("--scenes", nargs="*", help="who dies, of: task, supervisor, task and supervisor, the worker")
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="that an answer takes; with 5, an orphan meets its retry"
    )
    given = parser.parse_args()
    celery = given.celery or given.parts
    scenes = given.scenes or ["task", "task and supervisor", "supervisor", *(["the worker"] if celery else [])]
    with TemporaryDirectory(prefix="rokt-kills-") as folder, Sandbox() as sandbox, ExitStack() as stack:
        home, warehouse = Path(folder) / "airflow", Warehouse(Path(folder))
        (home / "dags").mkdir(parents=True)
        env = environment(home, celery=celery) | warehouse.environment(sandbox)
        workers: list[subprocess.Popen[bytes]] = []
        plays = [Scene(name, sandbox, home, warehouse.ledger, workers, given.seconds) for name in scenes]
        if given.parts:
            plays = [parts := Parts(sandbox, Path(folder), warehouse.ledger, workers, given.seconds)]
            parts.write_dag(home / "dags" / "parts.py")
            env |= parts.environment()
        else:
            copy(Path(__file__).with_name("real_dag.py"), home / "dags" / "kills.py")
        subprocess.run([str(Path(sys.executable).with_name("airflow")), "db", "migrate"], env=env, check=True)
        for command in ("api-server", "scheduler", "dag-processor"):
            stack.enter_context(part(home, env, command))
        for number in range(2) if celery else ():
            command = ("celery", "worker", "-H", f"w{number}@%h", "-c", "2", "--skip-serve-logs")
            workers.append(stack.enter_context(part(home, env, *command)))
        until("the DAG", lambda: ask(f"/api/v2/dags/{plays[0].dag_id}"))
        return _played(plays, home)


def _played(plays: Sequence[Scene | Parts], home: Path) -> int:
    for play in plays:
        try:
            print(play.play(), flush=True)
        except TimeoutError as error:
            print(f"{play.name}: {error}")
            for log in home.glob("*.log"):
                print(f"{log.name}: ...{log.read_text(errors='replace')[-2000:]}")
            return 1
        except Broken as error:
            print(f"BROKEN: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
