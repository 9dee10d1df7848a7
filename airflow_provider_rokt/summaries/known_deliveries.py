"""The deliveries of a ledger as a person asks for them; what is over is read once."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.ledger.delivery_details import DeliveryDetails, Why
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.summaries.known_delivery import KnownDelivery, began_by_name

# More than a view needs: 25 syncs with 240 deliveries each, and 10,000 of two days.
_REMEMBERED: Final = 20_000
_DETAILED: Final = 256
# A page that follows a delivery asks every few seconds, and so does everybody who has it open.
_FOLLOWED: Final = 16
_FOLLOWED_SECONDS: Final = 3.0
# What is still open after a day is hardly at work: a list asks for its end after a thousandth of its age.
_PATIENCE: Final = 1 / 1_000
_PATIENCE_SECONDS: Final = 600.0
# What is taken from a header.
_SENDER: Final[Mapping[str, type]] = {
    **dict.fromkeys(("dag_id", "task_id", "run_id", "sync", "connection", "partition"), str),
    **dict.fromkeys(("map_index", "try_number"), int),
}


class KnownDeliveries:
    """The deliveries of a ledger; those that are over stay known, since they never change.

    Of the others the header stays known, and the ledger is asked for their end every now and then.

    :param threads: the time by which those that are not over are read anew.
    """

    def __init__(self, ledger: Ledger, threads: Threads = THREADS) -> None:
        self.ledger = ledger
        self._threads = threads
        # Looked up in this order: who read one before its end may note it as open after another has read its end.
        self._over: OrderedDict[str, KnownDelivery] = OrderedDict()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._details = lru_cache(_DETAILED)(self._read_details)
        self._so_far = lru_cache(_FOLLOWED)(lambda reader, _: self._read_details(reader))
        self._reasons = lru_cache(_REMEMBERED)(lambda reader: self._details(reader).undelivered.counts)

    def find(self, delivery_id: str, *, patient: bool = False) -> KnownDelivery | None:
        """One delivery as it was some seconds ago; None where there is none of that name, or it cannot be reached.

        :param patient: of an old one it may be told some minutes late that it is over.
        """
        if over := self._over.get(delivery_id):
            return over
        known = self._open.get(delivery_id)
        wait = self._patience(delivery_id) if known and patient else _FOLLOWED_SECONDS
        if known and self._threads.now() - known.asked_at < wait:
            return known.delivery
        try:
            delivery = _read(known.delivery.reader) if known and known.delivery else self._read_placed(delivery_id)
        except (RoktLedgerError, OSError):
            return None
        self._note(delivery_id, delivery, is_last=bool(known and known.is_last))
        return delivery

    def between(self, first: datetime, last: datetime) -> Iterator[KnownDelivery]:
        """Those that began then, newest first; as :meth:`named`."""
        return self.named(self.ledger.begun_between(first, last))

    def named(self, ids: Iterable[str]) -> Iterator[KnownDelivery]:
        """Those of these names that are there; of old ones it may be told some minutes late that they are over."""
        return (found for name in ids if (found := self.find(name, patient=True)))

    def ended(self, delivery: KnownDelivery) -> KnownDelivery:
        """One that was open, after its task was seen not at work any more: a report is written before its task ends.

        Its report is asked for once more, and not again at the next look.
        """
        name = delivery.delivery_id
        known = self._open.get(name)
        if over := self._over.get(name):
            return over
        if known and known.is_last:
            return known.delivery or delivery
        anew = _read(delivery.reader)
        self._note(name, anew, is_last=True)
        return anew

    def details(self, delivery: KnownDelivery) -> DeliveryDetails:
        """All that the ledger tells of one."""
        if delivery.report is None or delivery.problem:
            return self._so_far(delivery.reader, self._threads.now() // _FOLLOWED_SECONDS)
        return self._details(delivery.reader)

    def reasons(self, delivery: KnownDelivery, failure: str) -> Counter[Why]:
        """Why rows of one that is over did not arrive; empty where all did.

        What the task failed with is the reason of the rows that have none of their own, and where no row has one.

        :param failure: what that error says, some lines; empty where nothing is known of it but its class.
        """
        try:
            reasons = Counter(self._reasons(delivery.reader) if delivery.undelivered else ())
        except (RoktLedgerError, OSError):
            # Its ledger is gone, or is not there now; its counts are known all the same.
            reasons = Counter()
        others = delivery.undelivered - reasons.total()
        if delivery.failure and (others > 0 or not reasons):
            text = failure.partition("\n")[0] or f"the task ended with {delivery.failure}"
            reasons[Why(Outcome.FAILED, "", text)] = max(others, 0)
        return reasons

    def _read_details(self, reader: LedgerReader) -> DeliveryDetails:
        details = DeliveryDetails.of(reader)
        if details == DeliveryDetails():
            # Either nothing is recorded yet, or there is no such ledger any more, which is an error.
            self.ledger.open(reader.delivery_id)
        return details

    def _patience(self, delivery_id: str) -> float:
        """For how many seconds one that is not over is taken to be as it was."""
        began = began_by_name(delivery_id)
        age = (self._threads.utc() - began).total_seconds() if began else 0.0
        return min(max(age * _PATIENCE, _FOLLOWED_SECONDS), _PATIENCE_SECONDS)

    def _note(self, delivery_id: str, delivery: KnownDelivery | None, *, is_last: bool) -> None:
        if delivery and delivery.report is not None and delivery.header:
            _keep(self._over, delivery_id, delivery)
            self._open.pop(delivery_id, None)
        # What could not be read may be readable again at once.
        elif not (delivery and delivery.problem):
            _keep(self._open, delivery_id, _Open(delivery, self._threads.now(), is_last))

    def _read_placed(self, delivery_id: str) -> KnownDelivery | None:
        """What is found where a delivery lies, which is mostly in one place."""
        likely = _read(self.ledger.likely(delivery_id))
        if likely.header:
            return likely
        reader = self.ledger.find(delivery_id)
        return _read(reader) if reader else None


class _Open(NamedTuple):
    """A delivery that was not over when its ledger was asked; None where there was none.

    :param is_last: whether it was asked after the task had ended, so that no report is to come.
    """

    delivery: KnownDelivery | None
    asked_at: float
    is_last: bool


def _keep(memory: OrderedDict[str, Any], name: str, kept: KnownDelivery | _Open) -> None:
    memory[name] = kept
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)


def _read(reader: LedgerReader) -> KnownDelivery:
    header, report, problem = None, None, ""
    try:
        found = reader.header
        if odd := [name for name, kind in _SENDER.items() if not isinstance(found.sender.get(name), kind | None)]:
            raise RoktLedgerDamagedError(f"the ledger {reader.uri} is damaged: its header has an odd {odd[0]}")
        header = found
        report = reader.report()
        # The ledger's rows say it too, and a report that is remembered is to be small.
        (report or {}).pop("rejections", None)
    except Exception as error:
        # Whatever it is, it costs this delivery and not the list.
        problem = str(error) if isinstance(error, RoktLedgerError) else f"{reader.uri}: {type(error).__name__}"
    return KnownDelivery(reader, header, report, problem)
