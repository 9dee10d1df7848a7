"""Copies of the project to break, and processes of their own to run its tests in: nothing here touches the checkout.

Each process is forked from one that has imported the libraries already, so it costs what its tests cost.
"""

import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_LEFT_OUT = shutil.ignore_patterns(".*", "dist", "build", "benchmarks")
_ARGUMENTS = ["-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-m", "not slow"]
# What a job that fails itself ends with: none of pytest's own.
BROKEN = 70


@dataclass(frozen=True)
class Bench:
    """A copy of the project, at which one process at a time works."""

    root: Path

    @classmethod
    def of(cls, project: Path, root: Path) -> "Bench":
        shutil.copytree(project, root, ignore=_LEFT_OUT)
        return cls(root)

    def said(self) -> str:
        """What the last process wrote."""
        return (self.root / ".said").read_text(errors="replace")

    def swap(self, path: str, source: str) -> None:
        """Puts another module in the place of one, until :meth:`restore`."""
        file = self.root / path
        shutil.copy2(file, self.root / ".kept")
        file.write_text(source)
        # Bytecode is held to be good for a file of its second and size, and this one may have both.
        os.utime(file, (1, 1))

    def restore(self, path: str) -> None:
        shutil.copy2(self.root / ".kept", self.root / path)


@dataclass(frozen=True)
class Job:
    """What one process does.

    :param name: whatever tells the job to who gave it.
    :param work: returns the process's exit status.
    :param seconds: after which it is killed.
    :param swapped: a module's path and the source to put in its place meanwhile.
    """

    name: str
    work: Callable[[Bench], int]
    seconds: float
    swapped: tuple[str, str] | None = None


def run(jobs: Iterable[Job], benches: Sequence[Bench]) -> Iterator[tuple[str, int | None, str]]:
    """Each job's name, its status (None: it was killed) and its words, as they end; one job at a time per bench."""
    waiting, free = iter(jobs), list(benches)
    running: dict[int, tuple[Job, Bench, float]] = {}
    while True:
        while free and (job := next(waiting, None)):
            bench = free.pop()
            if job.swapped:
                bench.swap(*job.swapped)
            running[_fork(job, bench)] = (job, bench, time.monotonic() + job.seconds)
        if not running:
            return
        for pid in list(running):
            job, bench, end = running[pid]
            if (ended := _ended(pid, end)) is not False:
                del running[pid]
                if job.swapped:
                    bench.restore(job.swapped[0])
                free.append(bench)
                yield job.name, ended, bench.said()
        time.sleep(0.005)


def _fork(job: Job, bench: Bench) -> int:
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    status = BROKEN
    try:
        os.setsid()
        said = os.open(bench.root / ".said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        status = job.work(bench)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        # Not by way of the interpreter's end, which waits for threads that a mutant may have left.
        os._exit(status)


def _ended(pid: int, end: float) -> int | bool | None:
    """The process's status, None if its time is over, False while it runs; what it started ends with it."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended and time.monotonic() < end:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if ended:
        return os.waitstatus_to_exitcode(status)
    os.waitpid(pid, 0)
    return None


def pytest_here(bench: Bench, files: Sequence[str], plugin: object) -> int:
    """Runs tests of these files in this process, as if in the copy's folder from the start; pytest's status."""
    os.chdir(bench.root)
    tempfile.tempdir = str(bench.root / ".tmp")
    shutil.rmtree(tempfile.tempdir, ignore_errors=True)
    os.mkdir(tempfile.tempdir)
    # Also for the processes that tests start.
    os.environ |= {"PYTHONPATH": str(bench.root), "TMPDIR": tempfile.tempdir}
    return int(pytest.main([*_ARGUMENTS, *files], plugins=[_Repeatable(), plugin]))


def write_no_bytecode() -> None:
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def preload(modules: Iterable[str]) -> None:
    """Imports what the tests will, so that no process need do it again."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


class _Repeatable:
    """Has Hypothesis try the same examples each time, remember none and not look for the simplest."""

    def pytest_configure(self) -> None:
        try:
            from hypothesis import HealthCheck, Phase, settings
        except ImportError:
            return
        settings.register_profile(
            "mutants",
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=(HealthCheck.too_slow,),
        )
        settings.load_profile("mutants")
