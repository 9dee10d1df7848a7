"""Which tests run which line, and how long each takes: found by running them all once, unbroken."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest
from mutation import Mutant
from workshop import Bench, pytest_here

_FOUND, _COUNTED = ".found.json", ".counted"
# The machine may be busier when a mutant runs than it was before.
_BUSIER = 5.0


@dataclass
class Reach:
    """What the tests reached.

    :param seconds: each test's, by its id.
    :param lines: module -> line -> the tests that run it; ``""`` is the import.
    :param modules: what the tests imported beside the project.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]
    modules: list[str]

    @classmethod
    def read(cls, bench: Bench) -> "Reach":
        data = coverage.CoverageData(bench.root / _COUNTED)
        data.read()
        lines = {
            Path(file).relative_to(bench.root).as_posix(): data.contexts_by_lineno(file)
            for file in data.measured_files()
        }
        found = json.loads((bench.root / _FOUND).read_text())
        return cls(found["seconds"], lines, found["modules"])

    def tests(self, mutant: Mutant, inner: Sequence[str]) -> Iterator[list[str]]:
        """Tests that may notice the mutant, those likeliest to first; each list fastest first, none twice.

        What runs once and is kept shows in tests that do not run the line themselves: so after those that do come all
        that run anything in the module; and what runs at import shows anywhere, so then come all. Last come the tests
        outside, which are slow to begin.

        :param inner: folders of the tests that begin fast.
        """
        lines = self.lines.get(mutant.path, {})
        direct = {test for line in mutant.lines for test in lines.get(line, ())}
        module = {test for line in lines for test in lines[line]} - {""}
        if not direct:
            return
        every = set(self.seconds) if mutant.at_import else module
        outside = {test for test in every if not test.startswith(tuple(inner))}
        direct -= {""}
        near = every if mutant.at_import else direct or module
        for part in (direct - outside, module - direct - outside, every - module - outside, near & outside):
            if part:
                yield sorted(part, key=self.seconds.__getitem__)

    def usual(self, tests: Iterable[str]) -> float:
        """Seconds that all these took, and some more."""
        return _BUSIER * sum(self.seconds[test] for test in tests)


def measure(bench: Bench, package: str, tests: Sequence[str]) -> int:
    """Runs all these tests and leaves what :meth:`Reach.read` reads; the status is pytest's."""
    before = set(sys.modules)
    counting = coverage.Coverage(
        data_file=bench.root / _COUNTED, source=[str(bench.root / package)], config_file=False, branch=False
    )
    counting.start()
    witness = _Witness(counting)
    status = pytest_here(bench, tests, witness)
    counting.stop()
    counting.save()
    modules = [name for name in sys.modules if name not in before and _is_library(name, bench.root)]
    (bench.root / _FOUND).write_text(json.dumps({"seconds": witness.seconds, "modules": modules}))
    return status


def _is_library(name: str, root: Path) -> bool:
    place = getattr(sys.modules[name], "__file__", None)
    # The project's own tests want to be the first to import Airflow.
    return place is not None and not Path(place).is_relative_to(root) and name.split(".")[0] != "airflow"


class _Witness:
    """Tells coverage which test runs."""

    def __init__(self, counting: coverage.Coverage) -> None:
        self._counting = counting
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._counting.switch_context(item.nodeid)
        began = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.perf_counter() - began
            self._counting.switch_context("")
