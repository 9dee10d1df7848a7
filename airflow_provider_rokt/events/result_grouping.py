"""Brings a user's events of the whole result together, through sorted lines on the worker's disk."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from airflow_provider_rokt.events.batch import EventBatch
from airflow_provider_rokt.events.grouping import OpenBatch
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.sorting.line_sorter import LineSorter

# Held before they are sorted and written: as much as a read window of grouped events takes.
MEMORY_BYTES: Final = 8_000_000

# A line is the user's digest, the row's number as 12 hex digits and, unless it is a gap, the batch of one event behind
# it: tabs part what is JSON or hex, where neither a tab nor a line break stands as it is.
_USER_BYTES: Final = 8
_NUMBER: Final = slice(2 * _USER_BYTES, 2 * _USER_BYTES + 12)
_GAP_BYTES: Final = _NUMBER.stop + len(b"\n")


class ResultGrouping:
    """Makes batches of valid single-event batches once all have come, as
    :class:`~airflow_provider_rokt.events.grouping.Grouping` does of those of a read window.

    Of one user after the other, each in the order of the rows: a batch is over with the first event that it cannot
    take, so no more than one is in memory, and no order of whole events makes fewer. The order of the users follows
    from who they are, so each batch, and its id, is the same whatever the order of the query, as long as that of each
    user's own rows is.

    The lines hold what the rows hold. They lie in files without a name until the last of them is handed out.

    :param salt: of the batches' ids.
    :param group_by_user: ``False`` gives each event a batch of its own.
    :param check: is called now and then while files are merged; what it raises ends that.
    """

    def __init__(
        self, *, salt: bytes = b"", group_by_user: bool = True, check: Callable[[], None] = lambda: None
    ) -> None:
        self._salt = salt
        self._group_by_user = group_by_user
        self._lines: LineSorter[bytes] = LineSorter(most_chars=MEMORY_BYTES, check=check)

    def add(self, single: OpenBatch) -> None:
        """Takes a batch of exactly one event, which fits.

        :raises RoktStorageError: when the temporary folder is full, as all that reads or writes does then.
        """
        self._lines.add_line(_line(single))

    def part(self, accepted: OpenBatch) -> None:
        """Leaves out a batch of one event that an earlier try sent; see :meth:`Grouping.part`."""
        self._lines.add_line(b"%b\n" % _place(accepted))

    def close(self) -> Iterator[EventBatch]:
        """Everything taken; each batch is made when it is asked for. The disk is given back with the last."""
        batch: OpenBatch | None = None
        for line in self._lines.sorted_lines():
            single = None if len(line) == _GAP_BYTES else _single(line)
            if self._group_by_user and batch and single and batch.take(single):
                continue
            if batch:
                yield batch.close(self._salt)
            batch = single
        self.discard()
        if batch:
            yield batch.close(self._salt)

    def discard(self) -> None:
        """Gives the disk back."""
        self._lines.close()


def _place(single: OpenBatch) -> bytes:
    """Who it is, then which row; that two users have one digest is no matter, since their events share no batch."""
    (row,) = single.rows
    user = blake2b(single.user.encode(), digest_size=_USER_BYTES).hexdigest()
    return b"%b%012x" % (user.encode("ascii"), row.number)


def _line(single: OpenBatch) -> bytes:
    return b"%b\t%x\t%x\t%x\t%b\t%b\t%b\t%b\t%b\n" % (
        _place(single),
        single.coverage,
        single.repeats,
        single.escaped,
        single.marks.hex().encode("ascii"),
        msgspec.json.encode(single.rows[0].key),
        single.shared,
        single.attributes,
        single.events[0],
    )


def _single(line: bytes) -> OpenBatch:
    place, coverage, repeats, escaped, marks, key, shared, attributes, event = line[:-1].split(b"\t")
    return OpenBatch.of_parts(
        RowRef(int(place[_NUMBER], 16), msgspec.json.decode(key)),
        shared,
        attributes,
        event,
        int(coverage, 16),
        bytes.fromhex(marks.decode("ascii")),
        escaped=escaped == b"1",
        repeats=repeats == b"1",
    )
