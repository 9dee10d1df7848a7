"""What people do to a sync's memory, beside its runs: take rows for sent that another service sent, and start over."""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex
from typing import Final

from airflow_provider_rokt.exceptions import RoktMemoryError, RoktSyncBusyError
from airflow_provider_rokt.flow.threads import THREADS
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.sync import Sync, today
from airflow_provider_rokt.syncs.trails import DONE, TrailName, TrailWriter
from airflow_provider_rokt.turns.turn import Turn, at_work

# As many digits as a run's.
_RUN_BYTES: Final = 6


def require_idle(sync: Sync, *, but: str = "") -> None:
    """Makes sure that no run of a sync is at work, without taking its turn; only reads.

    :param but: the run that asks, where it has a turn.
    :raises RoktSyncBusyError: when one is.
    """
    if holders := [one for one in at_work(sync.turns, sync.name) if one.run != but]:
        until = datetime.fromtimestamp(max(one.expires for one in holders), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise RoktSyncBusyError(
            f"{holders[0].run!r} is at work on sync {sync.name!r}: run this command again after it. If that run is "
            f"dead, the sync is free from {until} on."
        )


def take_for_sent(sync: Sync, anchor: Anchor, marks: Iterable[bytes], what: str) -> int:
    """Remembers rows as if Rokt had accepted them in this sync today.

    They are a trail of their own that is over from the start: no delivery's, so it names none.

    :param marks: of the rows, end to end, in any number of pieces.
    :param what: does it, e.g. ``"airflow rokt syncs mark"``.
    :returns: the number of the memory that they make.
    :raises RoktSyncBusyError: while a run of the sync is at work.
    :raises RoktMemoryError: when the memory that lies here cannot be believed.
    :raises RoktStorageError: when it cannot be written; what was by then is remembered.
    """
    sync.introduce()
    run = token_hex(_RUN_BYTES)
    with _turn(sync, run, what) as turn:
        require_idle(sync, but=turn.run)
        anchor.ask()
        contents = sync.contents()
        anchor.check(contents.number)
        name = TrailName(contents.number_for(run), today(), run, -1, 0)
        writer = TrailWriter(sync.folder, name, "", {"connection": sync.connection, "by": what}, b"")
        try:
            writer.trail.note(DONE)
            anchor.note(name.number)
            for some in marks:
                turn.check()
                writer.write(some)
        finally:
            writer.close()
    return name.number


def start_over(sync: Sync, anchor: Anchor, what: str) -> None:
    """Takes away a sync's folder, where there is one; a memory may then begin in the store of this anchor alone.

    What is left of the folder where that fails, or is killed, is refused by the next run: the database knows of a newer
    memory until all is done.

    :param what: as :func:`take_for_sent` takes it.
    :raises RoktSyncBusyError: while a run of the sync is at work.
    :raises RoktStorageError: when the folder cannot be removed.
    """
    if sync.is_here():
        with _turn(sync, token_hex(_RUN_BYTES), what) as turn:
            require_idle(sync, but=turn.run)
            # One that is not believed already need not be made so.
            with suppress(RoktMemoryError):
                anchor.ask()
                number = sync.contents().number
                anchor.check(number)
                anchor.note(number + 1)
            sync.forget()
    anchor.restart()


def _turn(sync: Sync, name: str, what: str) -> Turn:
    """The turn of somebody who does not wait for it."""
    run = f"{what}, process {os.getpid()} on {socket.gethostname()}"
    return Turn(sync.turns, run, name, sync.name, THREADS.flag(), wait=0.0)
