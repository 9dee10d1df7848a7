"""The earlier tries of a task instance: what they had accepted, what they sent without an end, and their salt.

A try of a task that succeeded is none of them: run again on purpose, the task sends everything anew. Outside of a task,
the calls until one succeeds are taken for such tries.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from airflow_provider_rokt.flow.row import Outcome, Skip
from airflow_provider_rokt.sorting.record_sorter import RecordSorter, merged
from airflow_provider_rokt.sorting.sorted_records import SortedRecords, sorted_here
from airflow_provider_rokt.syncs.memory import remembered_of
from airflow_provider_rokt.syncs.sync import today
from airflow_provider_rokt.syncs.trails import DONE, SENT_BYTES, TAKEN_OVER, Trail
from airflow_provider_rokt.turns.uses import RoktAccount

OVER_DAYS: Final = 7
"""A task that has not succeeded by then is not tried again."""
_SALT_BYTES: Final = 16


class Tries:
    """The earlier tries of a task instance, open for looking up; close it.

    :param ours: the trails of the instance, also of tries that are over.
    :param sender: the task, as the ledger names it.
    :param account: where this one's rows go; None where that is not asked.
    :ivar trails: those of the tries that this one goes on from.
    :ivar elsewhere: those of the tries whose rows went to another account, which are nothing to go on from.
    :ivar salt: of the batches' ids. Rokt drops a batch whose id it knows, for 30 days or more (mParticle), so the tries
        share theirs, until one succeeds or Rokt refuses something: nobody has published whether a refused batch's id
        is noted, and a retry under it might be dropped without a word.
    """

    def __init__(self, ours: Sequence[Trail], sender: Mapping[str, Any], account: RoktAccount | None = None) -> None:
        is_task = "task_id" in sender
        # Calls outside of a task may go on for ever without one that succeeds.
        recent = [trail for trail in ours if is_task or trail.name.day >= today() - OVER_DAYS]
        unnoticed = _unnoticed(recent, sender)
        self.had_succeeded = bool(recent)
        open_ = [trail for trail in recent if trail in unnoticed or not trail.is_done()]
        self.elsewhere = [trail for trail in open_ if account and _is_of_another(trail, account)]
        self.trails = [trail for trail in open_ if trail not in self.elsewhere]
        if is_task:
            # Before they are read: one of them may be at work, where it was Airflow's process above it that died.
            for trail in open_:
                if not _is_of_this_try(trail, sender):
                    trail.note(TAKEN_OVER)
        self._accepted = remembered_of(self.trails)
        same = self._of_the_last_salt()
        self.salt = same[0][1] if same else secrets.token_bytes(_SALT_BYTES)
        self._knows_all = all(trail.is_whole() for trail, _ in same)
        self._sent = _sent_by([trail for trail, _ in same])

    def __len__(self) -> int:
        """How many rows they had accepted, at most."""
        return len(self._accepted)

    @property
    def sequence(self) -> int:
        """Of the next one."""
        return max([trail.name.sequence + 1 for trail in self.trails], default=0)

    def recall(self, mark: bytes) -> Outcome | Skip | None:
        """What is known of a row. ``FAILED``: it was sent under the id that it has now, and nobody knows its end."""
        if known := self._accepted.find(mark):
            return Outcome.ACCEPTED if known is Skip.SENT else known
        is_sent = self._sent is not None and self._sent.place(mark[:SENT_BYTES]) is not None
        return Outcome.FAILED if is_sent or not self._knows_all else None

    def end(self) -> None:
        """Lets no further run go on from them."""
        for trail in (*self.trails, *self.elsewhere):
            trail.note(DONE)

    def close(self) -> None:
        """Gives the disk back."""
        self._accepted.close()
        if self._sent is not None:
            self._sent.close()

    def _of_the_last_salt(self) -> list[tuple[Trail, bytes]]:
        """The tries that shared the last one's salt, unless Rokt refused something under it."""
        headers = [(trail, trail.header()) for trail in sorted(self.trails, key=_age, reverse=True)]
        salts = [(trail, bytes.fromhex(header.salt)) for trail, header in headers if header]
        if not salts or salts[0][0].is_refused():
            return []
        return [(trail, salt) for trail, salt in salts if salt == salts[0][1]]


def _is_of_this_try(trail: Trail, sender: Mapping[str, Any]) -> bool:
    """Whether it is that of another call in the same try, which may be at work beside this one."""
    header = trail.header()
    number = sender.get("try_number")
    return header is not None and number is not None and header.sender.get("try_number") == number


def _is_of_another(trail: Trail, account: RoktAccount) -> bool:
    header = trail.header()
    return header is not None and header.account is not None and account.is_another(header.account)


def _sent_by(trails: Sequence[Trail]) -> SortedRecords | None:
    with closing(RecordSorter(SENT_BYTES)) as sorter:
        for trail in trails:
            for sent in trail.sent():
                sorter.add(sent)
        return sorted_here(SENT_BYTES, merged([sorter], list), len(sorter)) if len(sorter) else None


def _unnoticed(ours: Sequence[Trail], sender: Mapping[str, Any]) -> list[Trail]:
    """Those of the tries since the task was last cleared, also where one succeeded and Airflow tries again.

    It does where the process above the task's died. Whoever clears a task gives it more tries, so their number tells
    that one is run again on purpose.
    """
    found = []
    before, most = sender.get("try_number"), sender.get("max_tries")
    for trail in sorted(ours, key=_age, reverse=True):
        earlier = header.sender if (header := trail.header()) else {}
        number = earlier.get("try_number")
        if not (isinstance(number, int) and isinstance(before, int) and isinstance(most, int)):
            break
        if earlier.get("max_tries") != most or number >= before:
            break
        found.append(trail)
        before = number
    return found


def _age(trail: Trail) -> tuple[int, int]:
    """Higher for a later try."""
    return trail.name.sequence, trail.name.number
