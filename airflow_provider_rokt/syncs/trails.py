"""What a delivery leaves for the next ones: a mark for each row that Rokt took, written as the verdicts come.

A trail is a folder of its own, named so that a list of names says what is needed of it. ``marks-00000`` begins with a
line of JSON about the delivery; behind it, and in further files where nothing can be appended, stand marks and nothing
else. ``sent-00000`` has the first bytes of the marks of all rows that were to be sent, noted before they were. Empty
files may lie beside them: ``done`` once the task succeeded, so that no retry reads the trail any more;
``refused`` once Rokt refused something of it; ``ended``, on a store, once all of it was put; ``taken-over`` once a
retry read it, so that a try which is not dead after all sends nothing more.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, BinaryIO, Final, NamedTuple, Self

import msgspec

from airflow_provider_rokt.exceptions import RoktMemoryError
from airflow_provider_rokt.flow.mark import MARK_BYTES
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder, LineWriter
from airflow_provider_rokt.turns.uses import RoktAccount

FORMAT: Final = "rokt-trail"
VERSION: Final = 1

DONE: Final = "done"
REFUSED: Final = "refused"
ENDED: Final = "ended"
TAKEN_OVER: Final = "taken-over"
# So many deliveries of one task instance may begin at one moment.
_BEGINNINGS: Final = 100
_READ_BYTES: Final = MARK_BYTES * 16_384
_HEADER_BYTES: Final = 65_536
_FILE: Final = "marks-{:05}"
_SENT: Final = "sent-{:05}"
SENT_BYTES: Final = 4
"""Of a mark, what is noted before its row is sent: enough to know it again among those that were not accepted."""
_NAME: Final = re.compile(r"t(\d{8,})-(\d{5,})-([0-9a-f]{12})-(\d{5,}|whole)-(\d{3,})", re.ASCII)


class TrailName(NamedTuple):
    """What a trail's name says of it.

    :param number: of the memory that it is part of: the same for all parts of a run, and higher for the next run.
    :param day: when it began, in days since 1970.
    :param run: 12 hex digits for the task and its run.
    :param part: of a mapped task, its place in the map; -1 for others.
    :param sequence: tells the tries of one part apart, from 0.
    """

    number: int
    day: int
    run: str
    part: int
    sequence: int

    def __str__(self) -> str:
        part = "whole" if self.part < 0 else f"{self.part:05}"
        return f"t{self.number:08}-{self.day:05}-{self.run}-{part}-{self.sequence:03}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The name as it was; None where it is none."""
        if not (found := _NAME.fullmatch(text)):
            return None
        number, day, run, part, sequence = found.groups()
        return cls(int(number), int(day), run, -1 if part == "whole" else int(part), int(sequence))


class TrailHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The line that a trail begins with.

    :param delivery_id: of the delivery, whose ledger has its report.
    :param began_at: UTC, ISO 8601.
    :param sender: the task and its connection, as the ledger names them.
    :param salt: of the ids of its batches, in hex; a retry sends the same ids.
    :param account: where its rows went; None where a release wrote it that did not say so, and of marks by hand.
    """

    format: str = FORMAT
    version: int = VERSION
    delivery_id: str
    began_at: str
    sender: dict[str, Any]
    salt: str
    account: RoktAccount | None = None


class _Kind(msgspec.Struct):
    """What every release's first line says."""

    format: str
    version: int


class Trail:
    """One trail, as it is read: also while it is written, and after its task was killed.

    :param folder: its own.
    """

    def __init__(self, folder: Folder, name: TrailName) -> None:
        self.name = name
        self._folder = folder
        self._header: TrailHeader | None = None

    def header(self) -> TrailHeader | None:
        """Its first line, read once; None where its task was killed as it began.

        :raises RoktMemoryError: where another release wrote it, or it is damaged.
        """
        if self._header is None:
            self._header = self._read_header()
        return self._header

    def _read_header(self) -> TrailHeader | None:
        with reading(self._folder.uri):
            try:
                with self._folder.read(_FILE.format(0)) as file:
                    line = file.readline(_HEADER_BYTES)
            except FileNotFoundError:
                return None
        return self._parsed(line)

    def marks(self) -> Iterator[bytes]:
        """All its marks, many at a time, end to end. What a kill cut short is left out.

        :raises RoktMemoryError: as :meth:`header` does.
        """
        return _whole(self._blocks(_FILE, headed=True), MARK_BYTES)

    def sent(self) -> Iterator[bytes]:
        """The first :data:`SENT_BYTES` of the mark of each row that was to be sent, many at a time, end to end."""
        return _whole(self._blocks(_SENT, headed=False), SENT_BYTES)

    def rows(self) -> int:
        """How many marks it holds, by the sizes of its files."""
        size = 0
        for number, file in self._files(_FILE):
            with reading(self._folder.uri):
                header = 0 if number else len(file.readline(_HEADER_BYTES))
                size += file.seek(0, os.SEEK_END) - header
        return size // MARK_BYTES

    def is_done(self) -> bool:
        """Whether the task succeeded that it is of."""
        return self._folder.exists(DONE)

    def is_refused(self) -> bool:
        """Whether Rokt refused something of it, so that its ids must not be used again."""
        return self._folder.exists(REFUSED)

    def is_taken_over(self) -> bool:
        """Whether another try goes on from it."""
        return self._folder.exists(TAKEN_OVER)

    def is_whole(self) -> bool:
        """Whether it tells of every row that was to be sent: a kill loses what a store was not given yet."""
        return self._folder.appends or self._folder.exists(ENDED)

    def note(self, what: str) -> None:
        """Remembers :data:`DONE`, :data:`ENDED`, :data:`REFUSED` or :data:`TAKEN_OVER`."""
        self._folder.write(what, ())

    def delete(self) -> None:
        """Takes it away. Its end is noted for as long as anything is left of it: it must not become an earlier try."""
        self._folder.delete(last=DONE)

    def _parsed(self, line: bytes) -> TrailHeader | None:
        if not line.endswith(b"\n"):
            return None
        try:
            kind = msgspec.json.decode(line, type=_Kind)
            if (kind.format, kind.version) == (FORMAT, VERSION):
                return msgspec.json.decode(line, type=TrailHeader)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            kind = None
        if kind is None or kind.format != FORMAT:
            raise RoktMemoryError(
                f"{self._folder.uri} is damaged: its first line is not one of this provider's. Nothing was sent: "
                "restore it, or delete that folder, after which the rows that it told of may be sent again"
            )
        raise RoktMemoryError(
            f"{self._folder.uri} has version {kind.version} and this release reads {VERSION}: another release of "
            "airflow-provider-rokt wrote it. Nothing was sent: install that release or a newer one"
        )

    def _blocks(self, files: str, *, headed: bool) -> Iterator[bytes]:
        for number, file in self._files(files):
            if headed and not number and self._parsed(file.readline(_HEADER_BYTES)) is None:
                return
            while block := file.read(_READ_BYTES):
                yield block

    def _files(self, files: str) -> Iterator[tuple[int, BinaryIO]]:
        """Those that there are, in order, each open for its turn."""
        for number in count():
            with reading(self._folder.uri):
                try:
                    file = self._folder.read(files.format(number))
                except FileNotFoundError:
                    return
            with file:
                yield number, file


def _whole(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Blocks of whole records."""
    held = b""
    for block in blocks:
        held += block
        end = len(held) - len(held) % size
        yield held[:end]
        held = held[end:]


class TrailWriter:
    """Writes a trail; for one thread. Each call may raise ``RoktStorageError``.

    :param trails: the folder of all of them.
    :param name: with the lowest sequence it may have; another try of the same part may be at work.
    :param sender: as the ledger names it.
    :param account: where its rows go; None for marks by hand.
    :ivar name: the one it has.
    """

    def __init__(
        self,
        trails: Folder,
        name: TrailName,
        delivery_id: str,
        sender: Mapping[str, Any],
        salt: bytes,
        account: RoktAccount | None = None,
    ) -> None:
        self._sent: LineWriter | None = None
        for sequence in range(name.sequence, name.sequence + _BEGINNINGS):
            self.name = name._replace(sequence=sequence)
            self._folder = trails.folder(str(self.name))
            self.trail = Trail(self._folder, self.name)
            try:
                self._lines = self._folder.writer(_FILE.format)
                break
            except FileExistsError:
                continue
        else:
            raise RoktMemoryError(f"{trails.uri}/{name} and the names behind it are taken: run the task again")
        began_at = datetime.now(UTC).isoformat(timespec="seconds")
        header = TrailHeader(
            delivery_id=delivery_id, began_at=began_at, sender=dict(sender), salt=salt.hex(), account=account
        )
        self._lines.write([msgspec.json.encode(header) + b"\n"])
        self._lines.flush()

    def announce(self, marks: bytes) -> None:
        """Notes rows that are about to be sent, by their marks."""
        if self._sent is None:
            self._sent = self._folder.writer(_SENT.format)
        self._sent.write([b"".join([marks[at : at + SENT_BYTES] for at in range(0, len(marks), MARK_BYTES)])])

    def write(self, marks: bytes) -> None:
        """Adds marks of rows that Rokt took, end to end."""
        self._lines.write([marks])

    def close(self) -> None:
        """Ends it."""
        try:
            if self._sent is not None:
                self._sent.close()
        finally:
            self._lines.close()
        if not self._folder.appends:
            self.trail.note(ENDED)
