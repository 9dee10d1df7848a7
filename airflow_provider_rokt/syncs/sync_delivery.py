"""One delivery's part in its sync: what it knows of the earlier ones, and what it leaves for the next."""

import logging
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Final, Self

from airflow_provider_rokt.exceptions import RoktMemoryError, RoktStorageError, RoktSyncBusyError
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.row import Outcome, Skip
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import digest_name
from airflow_provider_rokt.syncs.aging import fold_over, forget_own
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.memory import Memory, open_memory
from airflow_provider_rokt.syncs.sync import Contents, Sync, today
from airflow_provider_rokt.syncs.trails import DONE, REFUSED, Trail, TrailName, TrailWriter
from airflow_provider_rokt.syncs.tries import Tries
from airflow_provider_rokt.turns.presence import Presence
from airflow_provider_rokt.turns.turn import Turn
from airflow_provider_rokt.turns.uses import RoktAccount

log = logging.getLogger(__name__)

_RUN_DIGITS: Final = 12
_LOOKS: Final = 5
# A try that Airflow took for dead ends so soon after the next one began.
_LOOK_SECONDS: Final = 3.0


class SyncDelivery:
    """One delivery's part in its sync; a context manager.

    What the earlier tries of its task instance had accepted counts as accepted.

    :param sender: the task and its connection, as the ledger names them.
    :param anchor: holds the memory to what the database knows; None where every row is sent, whatever is remembered.
        With it, the rows that were accepted in other runs are left out, and only one run at a time is at work.
    :param days: for how many days a row is remembered. Of tasks that share a memory each looks back by its own, and
        what none looks back to any more is forgotten.
    :param account: where the rows go; None where that is not asked.
    :ivar salt: of the batches' ids, that of the tries.
    """

    def __init__(
        self,
        sync: Sync,
        sender: Mapping[str, Any],
        anchor: Anchor | None,
        days: int,
        threads: Threads = THREADS,
        account: RoktAccount | None = None,
    ) -> None:
        self._sync = sync
        self._sender = sender
        self._anchor = anchor
        self._days = days
        self._since = today() - days
        self._account = account
        self._is_account_noted = account is None
        self._threads = threads
        self._run = digest_name(*[str(sender.get(name)) for name in ("dag_id", "task_id", "run_id")])[:_RUN_DIGITS]
        index = sender.get("map_index")
        self._part = index if isinstance(index, int) and index >= 0 else -1
        self._stopped = threads.flag()
        self._open = ExitStack()
        self._turn: Turn | None = None
        self._presence: Presence | None = None
        self._tries = Tries([], sender)
        self._memory = Memory([])
        self._trail: TrailWriter | None = None
        self._is_refused = False
        # Nothing is remembered, as in most runs with send="all", which then pay for no look-up.
        self._is_first = False
        self._look_at = 0.0
        self.salt = b""

    def __enter__(self) -> Self:
        """Waits for its turn where there are turns, and opens what is remembered.

        :raises RoktSyncBusyError: when another run is at work for too long.
        :raises RoktMemoryError: when the memory that lies here cannot be believed, or is another account's.
        """
        with ExitStack() as stack:
            self._sync.introduce()
            if self._anchor:
                self._turn = stack.enter_context(self._next_turn())
                self._anchor.ask()
            else:
                self._presence = Presence(self._sync.turns, *self._at_work(), self._sync.name, self._threads)
                stack.enter_context(self._presence)
            contents = self._sync.contents()
            if self._anchor:
                self._anchor.check(contents.number)
                self._require_account()
                self._sync.uses.note_days(self._days, today())
            self._tries = Tries(self._ours(contents), self._sender, self._account)
            stack.callback(self._tries.close)
            self.salt = self._tries.salt
            if self._anchor:
                fold_over(self._sync, contents, self._run, self._part, self._days)
                self._memory = self._opened()
                stack.callback(self._memory.close)
            self._is_first = not self._tries.trails and not len(self._memory)
            self._open = stack.pop_all()
        self._tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            if self._trail:
                self._close(self._trail)

    def stop(self) -> None:
        """Ends the waiting for a turn. Safe to call from anywhere."""
        self._stopped.set()

    def recall(self, mark: bytes) -> Outcome | Skip | None:
        """What is remembered of a row.

        :raises RoktSyncBusyError: when another run took over, or the next try of this task: stop sending.
        """
        self._require_turn()
        if self._is_first:
            return None
        known = self._tries.recall(mark)
        return self._memory.find(mark) or known if known in (None, Outcome.FAILED) else known

    def announce(self, marks: bytes) -> None:
        """Notes rows that are about to be sent, so that a retry knows what an acceptance may mean; raises as recall."""
        self._require_turn()
        if self._trail:
            self._trail.announce(marks)

    def begin(self, delivery_id: str) -> None:
        """Begins to remember; to be called before anything is sent.

        :raises RoktStorageError: when that cannot be.
        """
        number = self._sync.contents().number_for(self._run)
        name = TrailName(number, today(), self._run, self._part, self._tries.sequence)
        self._trail = TrailWriter(self._sync.folder, name, delivery_id, self._sender, self.salt, self._account)
        if self._anchor:
            self._anchor.note(number)

    def remember(self, marks: bytes) -> None:
        """Remembers rows that Rokt took, by their marks."""
        self._note_account()
        if self._trail:
            self._trail.write(marks)

    def refused(self) -> None:
        """Lets the next try begin with ids of its own."""
        if self._trail and not self._is_refused:
            self._trail.trail.note(REFUSED)
            self._is_refused = True

    def succeeded(self) -> None:
        """Ends the tries, so that a further run sends everything again; forgets what is too old.

        :raises RoktStorageError: when that cannot be noted.
        """
        # A kill behind the end that is noted next would have a retry send everything again.
        if self._presence:
            self._presence.end()
        if self._trail:
            # What a retry could not read must not pass for remembered by a task that is over.
            self._trail.close()
            self._trail.trail.note(DONE)
        self._tries.end()
        if self._anchor and len(self._memory):
            # A release that did not say whose memory it wrote is believed, and from then on it is known.
            self._note_account()
        if not self._anchor:
            forget_own(self._sync, self._sender, self._days)

    def _note_account(self) -> None:
        """Remembers whose the memory is; before a row is, since a kill may come between the two."""
        if self._account and not self._is_account_noted:
            self._sync.uses.note_account(self._account, today())
            self._is_account_noted = True

    @staticmethod
    def _close(trail: TrailWriter) -> None:
        """Ends the trail of a delivery that may have failed, whose own error goes first."""
        try:
            trail.close()
        except RoktStorageError as error:
            log.warning("The last accepted rows are not remembered, a retry may send them once more: %s", error.failure)

    def _next_turn(self) -> Turn:
        return Turn(self._sync.turns, *self._at_work(), self._sync.name, self._stopped, self._threads)

    def _at_work(self) -> tuple[str, str]:
        """What others are shown of who is at work, and the name of this part of it."""
        if "task_id" in self._sender:
            run = "/".join(str(self._sender[name]) for name in ("dag_id", "task_id", "run_id"))
            return run, f"{self._run}-{self._part}"
        name = secrets.token_hex(6)
        return f"process {os.getpid()} on {socket.gethostname()}, {name}", name

    def _require_account(self) -> None:
        """Makes sure that no other account took any of what is remembered: here it would pass for sent.

        An account is noted once it took something, so that one which was entered wrongly keeps none out.
        """
        sync = self._sync
        if self._account and (other := sync.uses.another(self._account, self._since)):
            raise RoktMemoryError(
                f"The memory of {sync.words} is another account's: what it holds was accepted at {other}, and this run "
                f"sends to {self._account}, which has none of it. Nothing was sent. Change the connection back, give "
                f"the task another sync (the argument 'sync'), or start over: {sync.start_over}"
            )

    def _ours(self, contents: Contents) -> list[Trail]:
        """What tries of this task instance have left."""
        return [trail for trail in contents.trails if (trail.name.run, trail.name.part) == (self._run, self._part)]

    def _require_turn(self) -> None:
        """Makes sure that it is this run's turn and, now and then, that no later try of this task has begun."""
        if self._turn:
            self._turn.check()
        now = self._threads.now()
        if self._trail is None or now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        with suppress(RoktStorageError), reading(self._sync.folder.uri):
            if self._trail.trail.is_taken_over():
                raise RoktSyncBusyError(
                    "Another try of this task has begun, so Airflow takes this one for dead: it sends nothing more"
                )

    def _opened(self) -> Memory:
        """The memory as a whole; opened again where a part that was begun beside this one has folded it meanwhile."""
        ours = {trail.name for trail in self._tries.trails}
        for _ in range(_LOOKS):
            before = self._sync.contents()
            try:
                memory = open_memory(self._sync.folder, before.folds, _without(before.trails, ours), self._since)
            except FileNotFoundError:
                continue
            if self._sync.contents().folds == before.folds:
                return memory
            memory.close()
        raise RoktSyncBusyError(f"The memory of sync {self._sync.name!r} is being folded: run this task again")

    def _tell(self) -> None:
        sync, try_number = self._sync, self._sender.get("try_number")
        if self._tries.elsewhere:
            text = f"Nothing is resumed of an earlier try that sent elsewhere: this one sends to {self._account}"
            log_wrapped(log, logging.WARNING, text, breaks_words=False)
        if self._tries.trails:
            log.info("%d rows were accepted in earlier tries of this task: those are not sent again", len(self._tries))
        elif self._tries.had_succeeded and not self._tries.elsewhere:
            log.info("This task had succeeded, and runs again: what it sent then does not count as an earlier try")
        elif isinstance(try_number, int) and try_number > 1 and not self._tries.elsewhere:
            text = (
                f"This is try {try_number}, and nothing can be resumed: no earlier one has left anything in "
                f"{sync.folder.uri}. It ended before it sent anything, or ran on a worker that does not share [rokt] "
                "ledger_path with this one"
            )
            log_wrapped(log, logging.INFO, text, breaks_words=False)
        if self._anchor:
            text = f"Sync {sync.name!r} remembers {len(self._memory)} rows, in {sync.folder.uri}"
            log_wrapped(log, logging.INFO, text, breaks_words=False)


def _without(trails: Sequence[Trail], names: set[TrailName]) -> list[Trail]:
    return [trail for trail in trails if trail.name not in names]
