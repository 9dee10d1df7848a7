"""What is remembered of a mirrored audience between runs, so that the next one sends the difference.

Two files, because a run that fails has changed the list at Rokt and nobody can say how far:

``members``
    who is in the list, as of the last run of which every request was accepted.
``unconfirmed-<generation>``
    whose change may have been sent since that generation without having been confirmed. It is written before the
    first request of a run. The next run sends all of them anew, whatever they now should be, which repairs the list
    even when the query's result has changed meanwhile: adding or removing twice is adding or removing once.

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
from typing import Any, Final, Self

from airflow_provider_rokt.audiences.membership_file import MembershipFile
from airflow_provider_rokt.audiences.plan import AudiencePlan
from airflow_provider_rokt.audiences.spool import MEMBER, UNKNOWN, WANTED
from airflow_provider_rokt.exceptions import RoktAudienceBusyError
from airflow_provider_rokt.flow.row import NO_ROW, RowRef
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.lease import SECONDS, Lease

MEMBERS: Final = "members"
UNCONFIRMED: Final = "unconfirmed-"
# The generation before the first commit.
FIRST: Final = "none"
# What to do about a memory from before a mirror refused to send addresses as they are, by the road.
RAW_MEMBERS: Final = {
    "import": "Its members were added by their addresses, which it cannot remove: run the query of then once with "
    "mode='exclude' and hash_emails=False, and delete its folder",
    "events": "Its members were added by address and SHA-256 together, and it can remove by the SHA-256 alone: run the "
    "query of then once with mode='exclude', hash_emails=False and the column of addresses mapped to both "
    "user_identities.email and user_identities.other, and delete its folder",
}
_NO_ROW: Final = b"0" * 12
_LINES_AT_ONCE: Final = 10_000


class MirrorState:
    """The memory of one mirrored audience.

    As a context manager it holds the audience's lease. Reading alone, as a preview does, needs none.

    :param folder: where it lives; used for this audience only.
    :param settings: what the memory depends on, by the argument's name (``audience``, ``hash_emails``, the account):
        a run with other settings is refused. Never a secret.
    :param run: names the run, the same for every try of a task instance and different for any other run.
    :param lease_seconds: how long the lease of a killed run keeps others out.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        folder: Folder,
        settings: Mapping[str, str | bool],
        run: str,
        *,
        lease_seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._settings = dict(settings)
        self._clock = clock
        self._lease = Lease(folder, run, seconds=lease_seconds, clock=clock)
        self._is_held = False
        self._taken_over = False
        self._generation = FIRST

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
        with reading(f"{self._folder.uri}/{MEMBERS}"):
            return not self._folder.exists(MEMBERS)

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
        header = self._header(MEMBERS)
        self._generation = _generation(header)
        unconfirmed = UNCONFIRMED + self._generation
        found = self._header(unconfirmed) is not None
        if header is None:
            self._require_nothing_before()
        elif not found:
            raise MembershipFile(self._folder, unconfirmed).unusable(f"it is missing, though {MEMBERS} goes with it")
        streams = [self._lines(MEMBERS, MEMBER)] if header else []
        return [*streams, self._lines(unconfirmed, UNKNOWN)] if found else streams

    def begin(self, plan: AudiencePlan) -> None:
        """Remembers whose change is about to be sent; nothing may be sent before."""
        self._lease.check()
        unconfirmed = (person for person, sign in plan.decisions() if sign != MEMBER)
        self._write(UNCONFIRMED + self._generation, self._generation, unconfirmed)

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
        generation, again = secrets.token_hex(8), self._taken_over
        decided = ((person, sign, again or _is_refused(person, refused)) for person, sign in plan.decisions())
        unknown = (person for person, sign, unsure in decided if sign == UNKNOWN or (unsure and sign != MEMBER))
        # Not in force before the rename below makes its generation the current one.
        self._write(UNCONFIRMED + generation, generation, unknown)
        decided = ((person, sign, _is_refused(person, refused)) for person, sign in plan.decisions())
        members = (person for person, sign, no in decided if sign == MEMBER or (sign == WANTED and not no))
        self._write(MEMBERS, generation, members)
        self._generation = generation
        self._tidy({MEMBERS, UNCONFIRMED + generation})

    def _write(self, name: str, generation: str, persons: Iterator[bytes]) -> None:
        written_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        header = {"generation": generation, "written_at": written_at, "settings": self._settings}
        MembershipFile(self._folder, name).write(header, chain(self.kept(persons), self._still_held()))

    def _still_held(self) -> Iterator[bytes]:
        """No more persons; where the lease was lost while a file was written, that does not replace the old one."""
        self._lease.check()
        yield from ()

    def _lines(self, name: str, sign: bytes) -> Iterator[bytes]:
        end = sign + _NO_ROW + b"\n"
        return self.kept(person + end for person in MembershipFile(self._folder, name).persons())

    def _header(self, name: str) -> dict[str, Any] | None:
        file = MembershipFile(self._folder, name)
        header = file.header()
        remembered = header.get("settings") if header else self._settings
        if not isinstance(remembered, dict):
            raise file.unusable("its header names no settings")
        names = [key for key in {**remembered, **self._settings} if remembered.get(key) != self._settings.get(key)]
        if names:
            differences = "; ".join(_difference(key, remembered, self._settings) for key in names)
            was_raw = names == ["hash_emails"] and self._settings["hash_emails"]
            way_out = RAW_MEMBERS.get(str(remembered.get("via"))) if was_raw else None
            raise file.unusable(differences, way_out or "Change that back")
        return header

    def _require_nothing_before(self) -> None:
        """Makes sure that there is no :data:`MEMBERS` because there was none yet, not because it was lost.

        Where the first run was killed as it committed, what it began with is still there. A name with a dot is an
        unfinished file's.
        """
        left = [name for name in self._folder.names() if name.startswith(UNCONFIRMED) and "." not in name]
        if left and UNCONFIRMED + FIRST not in left:
            raise MembershipFile(self._folder, MEMBERS).unusable(f"it is missing, though {left[0]} goes with it")

    def _tidy(self, current: Collection[str]) -> None:
        """Removes what earlier runs left: other generations, and unfinished files of killed ones.

        What has been remembered stays so where that fails; the next run tries again.
        """
        with suppress(Exception):
            for name in self._folder.names():
                if name not in current and name.startswith((MEMBERS, UNCONFIRMED)):
                    self._folder.remove(name)

    def _require_unchanged(self) -> None:
        if _generation(self._header(MEMBERS)) != self._generation:
            raise RoktAudienceBusyError(
                f"Another run changed {self._folder.uri}/{MEMBERS} while this one was sending. Nothing is remembered "
                "of this run; run the task again, one at a time (max_active_tis_per_dag=1), to repair the audience."
            )


def _generation(header: Mapping[str, Any] | None) -> str:
    return str(header.get("generation")) if header else FIRST


def _is_refused(person: bytes, refused: Collection[str]) -> bool:
    return bool(refused) and RowRef.of_member(NO_ROW, person.decode()).key in refused


def _difference(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"it was made with {name}={before.get(name)!r}, this run has {name}={now.get(name)!r}"
