"""Where a delivery's folder lies: in the folder of the day that its id begins with, or directly under the root.

``<root>/20261128/20261128T101112Z-…/`` is found by its id alone, and the newest are listed without looking at older
days. What older releases wrote, and ids that do not begin with a time, lie directly under the root. A name that begins
with ``_`` is another record's.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterator
from heapq import merge
from itertools import chain
from operator import itemgetter
from typing import Final

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.ledger.parts import REPORT_NAME
from airflow_provider_rokt.storage.folder import Folder, part_name

log = logging.getLogger(__name__)

# Plain names only: a delivery id becomes a path, and it arrives from XCom, the command line and the web page.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_TIMED: Final = re.compile(r"([0-9]{8})T[0-9]{6}Z-.*")
_DAY: Final = re.compile(r"[0-9]{8}")
_LAST_DAY: Final = "99999999"

Placed = tuple[str, Folder]
"""A name that may be a delivery's, and its folder."""


def _log(folder: Folder, error: OSError) -> None:
    log.warning("Left out of the list of deliveries: %s: %s", folder.uri, type(error).__name__)


class Layout:
    """The folders of deliveries under a root.

    :param root: holds them, and other records.
    """

    def __init__(self, root: Folder) -> None:
        self._root = root

    def new(self, name: str) -> Folder:
        """The folder of a delivery that begins.

        :raises RoktLedgerError: where the id would be taken for a day's folder.
        """
        if is_day(name):
            raise RoktLedgerError(f"{name!r} is no delivery id: eight digits name the folder of a day")
        return self.likely(name)

    def likely(self, name: str) -> Folder:
        """Where a delivery lies, unless an older release wrote it."""
        return self._places(name)[0]

    def find(self, name: str) -> Folder | None:
        """The folder of a delivery, or None where it has not begun; asks for its files and lists nothing."""
        for folder in self._places(name):
            # One that lost its first part is a ledger all the same: a damaged one.
            if folder.exists(part_name(0)) or folder.exists(REPORT_NAME):
                return folder
        return None

    def newest(self, until: str = _LAST_DAY, left_out: Callable[[Folder, OSError], None] = _log) -> Iterator[Placed]:
        """What may be deliveries, the last id first; a day's folder is listed when its turn comes.

        :param until: leaves out ids and folders of later days, unread.
        :param left_out: is told of a day that cannot be listed.
        """
        names = [name for name in reversed(self._root.names()) if _PLAIN_NAME.fullmatch(name)]
        direct = [name for name in names if not is_day(name) and (day_of(name) or "") <= until]
        days = (self._of_day(name, left_out) for name in names if is_day(name) and name <= until)
        placed = ((name, self._root.folder(name)) for name in direct)
        return merge(placed, chain.from_iterable(days), key=itemgetter(0), reverse=True)

    def days(self, until: str) -> Iterator[Placed]:
        """The folders of days, the oldest first.

        :param until: leaves out later ones.
        """
        for name in self._root.names():
            if is_day(name) and name <= until:
                yield name, self._root.folder(name)

    def _places(self, name: str) -> list[Folder]:
        """Where a delivery may lie; a new one lies in the first of them."""
        day = day_of(name)
        direct = self._root.folder(name)
        return [direct] if day is None else [self._root.folder(day).folder(name), direct]

    def _of_day(self, day: str, left_out: Callable[[Folder, OSError], None]) -> Iterator[Placed]:
        folder = self._root.folder(day)
        try:
            names = folder.names()
        except OSError as error:
            left_out(folder, error)
            return
        for name in reversed(names):
            if day_of(name) == day and _PLAIN_NAME.fullmatch(name):
                yield name, folder.folder(name)
        # An older release took eight digits for a delivery's id.
        if is_begun(names):
            yield day, folder


def plain_name(name: str) -> str:
    """The name itself where it can be a delivery's.

    :raises RoktLedgerError: for what could lead out of the ledger's folder.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise RoktLedgerError(f"{name[:80]!r} is no delivery id: letters, digits, '-', '_' and '.' make one")
    return name


def day_of(name: str) -> str | None:
    """The day that a delivery's id begins with, as ``20261128``; None of an id without a time."""
    timed = _TIMED.fullmatch(name)
    return timed and timed[1]


def is_day(name: str) -> bool:
    """Whether a folder of that name is a day's."""
    return _DAY.fullmatch(name) is not None


def is_begun(names: Collection[str]) -> bool:
    """Whether what a folder holds makes it a delivery's."""
    return not {part_name(0), REPORT_NAME}.isdisjoint(names)
