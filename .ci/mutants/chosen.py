"""Only some tests of the files that pytest collects, in an order of ours, up to the first that fails."""

from collections.abc import Sequence

import pytest


class Chosen:
    """A plugin for pytest.

    :param tests: their ids, in the order to run them.
    """

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = tests
        self._order = {test: number for number, test in enumerate(tests)}

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(_file(test) for test in self._order))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        there = {item.nodeid for item in items}
        # A table that the mutant changed may give a test's cases other names.
        renamed = {_function(test): place for test, place in self._order.items() if test not in there}
        places = [(self._order.get(item.nodeid, renamed.get(_function(item.nodeid))), item) for item in items]
        chosen = [(place, item) for place, item in places if place is not None]
        items[:] = [item for _, item in sorted(chosen, key=lambda pair: pair[0])]


def _file(test: str) -> str:
    return test.partition("::")[0]


def _function(test: str) -> str:
    return test.partition("[")[0]
