"""A sync: what a recurring task is, beyond its single runs. It has a name, a memory, and the deliveries that made it.

<ledger>/_syncs/store                                which store this is, for the memory that is not believed alone
<ledger>/_syncs/<digest>/about.json                  its connection and its name
                         deliveries/<delivery_id>    an empty file for each delivery; their ledgers lie elsewhere
                         turns/<run>-<part>          who is at work, where a row must not be sent twice
                         uses/                       whose rows are remembered, and for how long, see turns/uses.py
                         t…/                         trails: what deliveries have left, see trails.py
                         m…                          sorted files of what was folded, see memory.py
"""

import shlex
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, timedelta
from secrets import token_hex
from typing import Final, NamedTuple

import msgspec

from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder, digest_name
from airflow_provider_rokt.syncs.memory import FoldName, folds
from airflow_provider_rokt.syncs.trails import Trail, TrailName
from airflow_provider_rokt.turns.uses import Uses

FORGET: Final = "airflow rokt syncs forget"
_DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)
_STORE: Final = "store"
_ABOUT: Final = "about.json"
_DELIVERIES: Final = "deliveries"
_STORE_BYTES: Final = 64
_ABOUT_BYTES: Final = 65_536


def today() -> int:
    """The day in UTC, in days since 1970."""
    return int(time.time()) // _DAY_SECONDS


def date_of(day: int) -> date:
    """The date of a day since 1970."""
    return _EPOCH + timedelta(days=day)


class _About(msgspec.Struct):
    """Which sync it is, for those who list them."""

    connection: str
    name: str


class Contents(NamedTuple):
    """What lies in a sync's folder.

    :param trails: in the order of their names.
    :param folds: the sorted files, the newest first.
    """

    trails: list[Trail]
    folds: list[FoldName]

    @property
    def number(self) -> int:
        """Of the newest memory; 0 for none."""
        return max([trail.name.number for trail in self.trails] + [name.number for name in self.folds], default=0)

    @property
    def rows(self) -> int:
        """How many rows are remembered; one that came twice counts twice until its trails are folded."""
        return sum(trail.rows() for trail in self.trails) + sum(name.entries for name in self.folds)

    @property
    def days(self) -> list[int]:
        """Days since 1970, ascending: that of each trail, and the latest of each sorted file, as their names tell."""
        return sorted([trail.name.day for trail in self.trails] + [name.day for name in self.folds])

    def number_for(self, run: str) -> int:
        """Of the memory that a run makes: all its parts make one."""
        newest = [trail for trail in self.trails if trail.name.number == self.number]
        return self.number if any(trail.name.run == run for trail in newest) else self.number + 1


class Sync:
    """One sync.

    :param folder: its own.
    """

    def __init__(self, folder: Folder, connection: str, name: str) -> None:
        self.folder = folder
        self.connection = connection
        self.name = name

    @property
    def turns(self) -> Folder:
        """Who is at work."""
        return self.folder.folder("turns")

    @property
    def uses(self) -> Uses:
        """Who uses its memory."""
        return Uses(self.folder.folder("uses"))

    @property
    def words(self) -> str:
        """What it is called."""
        return f"sync {self.name!r} over connection {self.connection!r}"

    @property
    def start_over(self) -> str:
        """The command that forgets what it remembers."""
        return f"{FORGET} {shlex.quote(self.name)} --rokt-conn-id {shlex.quote(self.connection)}"

    @property
    def key(self) -> str:
        """Its digest."""
        return digest_name(self.connection, self.name)

    def introduce(self) -> None:
        """Writes down which sync it is, before anything else of it."""
        with reading(self.folder.uri):
            is_known = self.folder.exists(_ABOUT)
        if not is_known:
            with suppress(FileExistsError):
                self.folder.create(_ABOUT, msgspec.json.encode(_About(self.connection, self.name)))

    def is_here(self) -> bool:
        """Whether there is anything of it, as this machine sees it."""
        with reading(self.folder.uri):
            return bool(self.folder.names())

    def contents(self) -> Contents:
        """What there is now, from a list of names alone."""
        with reading(self.folder.uri):
            names = self.folder.names()
        found = [name for name in map(TrailName.read, names) if name]
        return Contents([Trail(self.folder.folder(str(name)), name) for name in found], folds(names))

    def note_delivery(self, delivery_id: str) -> None:
        """Notes a delivery as one of this sync's."""
        self.folder.folder(_DELIVERIES).write(delivery_id, ())

    def deliveries(self) -> list[str]:
        """The ids of its deliveries, the newest first; the ledgers of old ones may be gone."""
        with reading(self.folder.uri):
            return list(reversed(self.folder.folder(_DELIVERIES).names()))

    def forget(self) -> None:
        """Takes away everything of it but the ledgers of its deliveries."""
        self.folder.delete(last=_ABOUT)


class Syncs:
    """All syncs of one ledger.

    :param folder: theirs.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    @property
    def uri(self) -> str:
        """Where they are."""
        return self._folder.uri

    def store(self) -> str:
        """The id of this store, made when it is first asked for."""
        if known := self.known_store():
            return known
        with suppress(FileExistsError):
            self._folder.create(_STORE, token_hex(16).encode())
        return self.known_store()

    def known_store(self) -> str:
        """The id of this store; empty where it has none yet."""
        with reading(self._folder.uri), suppress(FileNotFoundError), self._folder.read(_STORE) as file:
            return file.read(_STORE_BYTES).decode("ascii", "replace")
        return ""

    def sync(self, connection: str, name: str) -> Sync:
        """The sync of this name over this connection."""
        return Sync(self._folder.folder(digest_name(connection, name)), connection, name)

    def forget_deliveries(self, ids: Collection[str]) -> None:
        """Forgets that some deliveries were made, once their ledgers are gone."""
        with reading(self._folder.uri):
            names = [name for name in self._folder.names() if name != _STORE]
            notes = [self._folder.folder(name).folder(_DELIVERIES) for name in names]
            found = [(folder, name) for folder in notes for name in folder.names() if name in ids]
        for folder, name in found:
            folder.remove(name)

    def all(self) -> Iterator[Sync]:
        """Every sync that has a name."""
        with reading(self._folder.uri):
            names = self._folder.names()
        for name in names:
            folder = self._folder.folder(name)
            try:
                with folder.read(_ABOUT) as file:
                    about = msgspec.json.decode(file.read(_ABOUT_BYTES), type=_About)
            except (OSError, msgspec.MsgspecError):
                continue
            if about.name:
                yield Sync(folder, about.connection, about.name)
