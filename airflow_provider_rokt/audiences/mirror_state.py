"""What is remembered of a mirrored audience between runs, so that the next one sends the difference.

Two files, because a run that fails has changed the list at Rokt and nobody can say how far:

``members``
    who is in the list, as of the last run of which every request was accepted.
``unconfirmed-<generation>``
    whose change may have been sent since that generation without having been confirmed. It is written before the
    first request of a run. The next run sends all of them anew, whatever they now should be, which repairs the list
    even when the query's result has changed meanwhile: adding or removing twice is adding or removing once.

Both carry a number, which grows with each run that begins to change the list: of two copies of a memory it tells the
older one. And the name of the sync that mirrors the list, since two would each undo what the other one does.

A run commits by replacing ``members``, one rename. Whatever happens before or after it leaves a pair that is right.

A run that takes over from one which never gave the audience back commits its changes as unconfirmed: what the other
one had on its way may have reached Rokt last. The next run sends them once more, by when nothing is on its way.
"""

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, islice
from types import TracebackType
from typing import Final, Self

from airflow_provider_rokt.audiences.membership_file import STARTED_OVER
from airflow_provider_rokt.audiences.mirror_files import MEMBERS, UNCONFIRMED, Found, MappedPart, MirrorFiles
from airflow_provider_rokt.audiences.plan import AudiencePlan
from airflow_provider_rokt.audiences.spool import MEMBER, UNKNOWN, WANTED
from airflow_provider_rokt.exceptions import RoktAudienceBusyError, RoktAudienceError
from airflow_provider_rokt.flow.row import NO_ROW, RowRef
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.lease import SECONDS, Lease

_NO_ROW: Final = b"0" * 12
_LINES_AT_ONCE: Final = 10_000


class MirrorState:
    """The memory of one mirrored audience.

    As a context manager it holds the audience's lease. Reading alone, as a preview does, needs none.

    :param folder: where it lives; used for this audience only.
    :param settings: what the memory depends on, by the argument's name (``audience``, ``hash_emails``, the account):
        a run with other settings is refused. Never a secret.
    :param run: names the run, the same for every try of a task instance and different for any other run.
    :param owner: the sync that the run is of; None for none.
    :param part: which part of a mapped task's run it is; None for a task that is not mapped.
    :param check: told the number of the memory that lies here, 0 for none, it raises where that is not the newest.
    :param note: is told the number to which the memory has come, before anything is sent.
    :param lease_seconds: how long the lease of a killed run keeps others out.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        folder: Folder,
        settings: Mapping[str, str | bool],
        run: str,
        *,
        owner: str | None = None,
        part: MappedPart | None = None,
        check: Callable[[int], None] = lambda _: None,
        note: Callable[[int], None] = lambda _: None,
        lease_seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._files = MirrorFiles(folder, settings)
        self._owner = owner
        self._part = part
        self._check = check
        self._note = note
        self._clock = clock
        self._lease = Lease(folder, run, seconds=lease_seconds, clock=clock)
        self._is_held = False
        self._taken_over = False
        self._found = Found()

    def __enter__(self) -> Self:
        self._taken_over = self._lease.take()
        self._is_held = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_held = False
        self._lease.release()

    @property
    def is_new(self) -> bool:
        """Whether no run was ever confirmed."""
        return not self._files.exists()

    def require_newest(self) -> None:
        """Makes sure that no newer memory of the audience exists.

        :raises RoktAudienceError: when what lies here cannot be used.
        :raises RoktError: what ``check`` raises.
        """
        self._check(self._files.find().number)

    def require_owner(self) -> None:
        """Makes sure that the audience is not another sync's.

        :raises RoktAudienceError: when it is, or when what lies here cannot be used.
        """
        owner = self._files.find().owner
        if owner and owner != self._owner:
            this = f"sync {self._owner!r}" if self._owner else "a call that names no sync"
            raise RoktAudienceError(
                f"The audience {self._files.settings.get('audience')!r} is mirrored by sync {owner!r}, and this is "
                f"{this}: each would undo what the other one does. Nothing was sent. Give this one another audience; "
                f"or pass sync={owner!r}, where its task was only renamed or moved; or start over "
                f"({self._files.start_over}): {STARTED_OVER}."
            )

    def require_one_part(self) -> None:
        """Makes sure that no other part of the same run mirrors the audience.

        :raises RoktAudienceError: when one does.
        """
        found, mine = self._files.find().part, self._part
        if found and mine and found.run == mine.run and found.place != mine.place:
            raise RoktAudienceError(
                f"The audience {self._files.settings.get('audience')!r} is mirrored by part {found.place} of this very "
                f"run, and this is part {mine.place}: each would undo what the other one does. Nothing was sent. A "
                "mirrored list is one query's: mirror it in a task that is not mapped, or give each part an audience "
                "of its own: .expand(audience=[...])"
            )

    def require_free(self) -> None:
        """Makes sure, for a preview, that no other run is changing the audience.

        :raises RoktAudienceBusyError: when one is.
        """
        self._lease.require_free()

    def remembered(self) -> Sequence[Iterator[bytes]]:
        """What :func:`plan_changes` compares the rows with: who is a member, and of whom it is not known.

        :raises RoktAudienceError: when a file is damaged, missing, foreign or of other settings; damage past the
            header shows while the lines are read, hence before a plan exists.
        """
        self._found = self._files.find()
        return [self._lines(name, MEMBER if name == MEMBERS else UNKNOWN) for name in self._found.files]

    def begin(self, plan: AudiencePlan) -> None:
        """Remembers whose change is about to be sent; nothing may be sent before.

        :raises RoktError: what ``note`` raises.
        """
        self._lease.check()
        found = self._found
        self._found = found._replace(number=found.number + 1, owner=self._owner or found.owner, part=self._part)
        unconfirmed = (person for person, sign in plan.decisions() if sign != MEMBER)
        self._write(UNCONFIRMED + found.generation, unconfirmed)
        self._note(self._found.number)

    def keep(self) -> None:
        """Renews the lease when that is due; call it for every request and every window of rows.

        Without effect where it is not held, as in a preview.

        :raises RoktAudienceBusyError: when another run took over: stop sending.
        """
        if self._is_held:
            self._lease.keep()

    def kept(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The same lines; the lease is renewed while they are read, however long that takes."""
        while some := list(islice(lines, _LINES_AT_ONCE)):
            self.keep()
            yield from some

    def commit(self, plan: AudiencePlan, refused: Collection[str] = ()) -> None:
        """Remembers the run as done: every change of the plan was accepted but those refused.

        :param refused: keys (:meth:`RowRef.of_member`) of the members that Rokt refused for good. Of them it is not
            known whether they are in the list, so the next run sends them again. Keys of rows that were never sent do
            no harm.
        :raises RoktAudienceBusyError: when another run changed the memory meanwhile; nothing is remembered then.
        """
        self._lease.check()
        self._require_unchanged()
        self._found, again = self._found._replace(generation=secrets.token_hex(8), part=self._part), self._taken_over
        decided = ((person, sign, again or _is_refused(person, refused)) for person, sign in plan.decisions())
        unknown = (person for person, sign, unsure in decided if sign == UNKNOWN or (unsure and sign != MEMBER))
        # Not in force before the rename below makes its generation the current one.
        unconfirmed = UNCONFIRMED + self._found.generation
        self._write(unconfirmed, unknown)
        decided = ((person, sign, _is_refused(person, refused)) for person, sign in plan.decisions())
        members = (person for person, sign, no in decided if sign == MEMBER or (sign == WANTED and not no))
        self._write(MEMBERS, members)
        self._tidy({MEMBERS, unconfirmed})

    def forget(self) -> None:
        """Takes the memory away.

        :raises RoktAudienceBusyError: when a run is changing the audience.
        :raises RoktStorageError: when something of it stays.
        """
        self.require_free()
        self._folder.delete(last=MEMBERS)

    def _write(self, name: str, persons: Iterator[bytes]) -> None:
        written_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        self._files.write(name, self._found, written_at, chain(self.kept(persons), self._still_held()))

    def _still_held(self) -> Iterator[bytes]:
        """No more persons; where the lease was lost while a file was written, that does not replace the old one."""
        self._lease.check()
        yield from ()

    def _lines(self, name: str, sign: bytes) -> Iterator[bytes]:
        end = sign + _NO_ROW + b"\n"
        return self.kept(person + end for person in self._files.file(name).persons())

    def _tidy(self, current: Collection[str]) -> None:
        """Removes what earlier runs left: other generations, and unfinished files of killed ones.

        What has been remembered stays so where that fails; the next run tries again.
        """
        with suppress(Exception):
            for name in self._folder.names():
                if name not in current and name.startswith((MEMBERS, UNCONFIRMED)):
                    self._folder.remove(name)

    def _require_unchanged(self) -> None:
        if self._files.find().generation != self._found.generation:
            raise RoktAudienceBusyError(
                f"Another run changed {self._folder.uri}/{MEMBERS} while this one was sending. Nothing is remembered "
                "of this run; run the task again, one at a time (max_active_tis_per_dag=1), to repair the audience."
            )


def _is_refused(person: bytes, refused: Collection[str]) -> bool:
    return bool(refused) and RowRef.of_member(NO_ROW, person.decode()).key in refused
