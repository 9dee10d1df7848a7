"""The lines of a ledger, read as records of the kinds that are asked for; damage costs a line, not the ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, Union

import msgspec

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.ledger.records import (
    FORMAT,
    AcceptedRecord,
    DeliveryHeader,
    DroppedRecord,
    Peek,
    RequestRecord,
    RowRecord,
)
from airflow_provider_rokt.storage.folder import Folder, part_name

REPORT_NAME: Final = "report.jsonl"

_KINDS: Final = (DeliveryHeader, RequestRecord, RowRecord, DroppedRecord, AcceptedRecord)
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a line that is no record; the last for one of nothing but brackets."""

_Record = TypeVar("_Record", bound=msgspec.Struct)


@dataclass
class Damage:
    """What could not be read of a ledger's parts.

    :ivar lines: how many lines, by file.
    :ivar missing: the files that are not there, though a later one is.
    """

    lines: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lines or self.missing)

    def __str__(self) -> str:
        damaged = [f"{count} damaged {'line' if count == 1 else 'lines'} in {n}" for n, count in self.lines.items()]
        return "; ".join([*damaged, *(f"{name} is missing" for name in self.missing)])


class Parts:
    """The parts of one delivery's ledger; reads as it goes and holds nothing.

    :param folder: the delivery's.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def header(self) -> DeliveryHeader:
        """The first line.

        :raises RoktLedgerDamagedError: where it is not there or damaged.
        :raises RoktLedgerError: where it is of another format.
        """
        try:
            line = next(self._folder.lines(part_name(0)), b"")
        except FileNotFoundError:
            raise self._damaged(f"{part_name(0)} is missing") from None
        except IsADirectoryError:
            raise self._damaged(f"{part_name(0)} is a folder") from None
        if not line.endswith(b"\n"):
            raise self._damaged(f"{part_name(0)} has no header; was its task killed as it began?")
        try:
            found = msgspec.json.decode(line, type=Peek).format
            if found not in (None, FORMAT):
                raise RoktLedgerError(
                    f"the ledger {self._folder.uri} has format {found!r} and this release reads {FORMAT}: it was "
                    "written by another release of airflow-provider-rokt, which can read it"
                )
            return msgspec.json.decode(line, type=DeliveryHeader)
        except UNREADABLE:
            # The cause would quote the line.
            raise self._damaged(f"{part_name(0)} has no header, its first line is another or damaged") from None

    def records(self, *kinds: type[_Record], damage: Damage | None = None) -> Iterator[_Record]:
        """The records of some kinds in the order they were written; kinds that a later release adds are passed over.

        :param damage: takes what cannot be read, and everything else is read. A line that says to be of a kind that is
            not asked for is not looked at.
        :raises RoktLedgerDamagedError: at the first damaged line, where no ``damage`` is given.
        """
        strict = damage is None
        found = Damage() if damage is None else damage
        tags = {_tag(kind) for kind in kinds}
        wanted, others = _beginnings(tags), _beginnings(_TAGS - tags)
        decode = msgspec.json.Decoder[Any](Union[kinds]).decode  # noqa: UP007 - of as many as are given
        # Asked for first: a line that is torn now may be whole by the time the report is there.
        is_over = self._folder.exists(REPORT_NAME)
        if strict:
            self.header()
        for part in self._names(found, strict):
            for line in self._folder.lines(part):
                if line.startswith(others) and line.endswith(_END):
                    continue
                if not (is_over or line.endswith(b"\n")):
                    continue  # it is being written, or was when the task was killed
                try:
                    if not line.startswith(wanted) and msgspec.json.decode(line, type=Peek).kind not in tags:
                        continue
                    record = decode(line)
                except UNREADABLE:
                    found.lines[part] += 1
                    if strict:
                        raise self._damaged(str(found)) from None
                    continue
                yield record

    def _names(self, damage: Damage, strict: bool) -> list[str]:
        """The parts' names; those that must have been between them are damage."""
        names = [name for name in self._folder.names() if name.startswith("part-") and name.endswith(".jsonl")]
        damage.missing += [name for name in map(part_name, range(len(names))) if name not in names]
        if strict and damage.missing:
            raise self._damaged(str(damage))
        return names

    def _damaged(self, what: str) -> RoktLedgerDamagedError:
        return RoktLedgerDamagedError(f"the ledger {self._folder.uri} is damaged: {what}")


def _tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)


def _beginnings(tags: Iterable[str]) -> tuple[bytes, ...]:
    """How lines of these kinds begin, unless they were written by another encoder."""
    return tuple(f'{{"kind":"{tag}",'.encode() for tag in tags)


_TAGS: Final = frozenset(map(_tag, _KINDS))
_END: Final = b"}\n"
