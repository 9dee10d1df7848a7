"""The one assertion about a delivery under any reading: no row counts as accepted that the sandbox does not hold.

A row's event may also have been dropped as a repeat, as long as what it repeats is held.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import RequestRecord
from airflow_provider_rokt.sandbox.holdings import REPEATED_CONVERSION, REPEATED_MESSAGE
from airflow_provider_rokt.sandbox.store import Store


@dataclass
class Found:
    """What became of rows that count as accepted, by their ``source_message_id``.

    :ivar held: stored.
    :ivar repeats: dropped as the repeat of an event that is held, and of which.
    :ivar lost: neither, and why.
    """

    held: set[str] = field(default_factory=set)
    repeats: dict[str, Any] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def assert_held(
    report: Mapping[str, Any], ledger: LedgerReader, store: Store, keys: Sequence[str], path: str = "/v2/bulkevents"
) -> Found:
    """Holds a delivery's account against what the sandbox stored.

    :param report: its flat result: ``Report.summary()``, or what the task returns. Rows that it calls unconfirmed
        may be missing.
    :param keys: the ``source_message_id`` of every row that was read, in order.
    :param path: where it was sent.
    """
    accepted = accepted_keys(keys, ledger)
    # What an earlier try had sent is in no request of this ledger.
    if not report["rows_skipped"] and not (report.get("rows_resumed") and not ledger.complete):
        assert len(accepted) == report["rows_accepted"], "the ledger and the report do not say the same"
    found = look_up(accepted, store, path)
    unconfirmed = report.get("rows_unconfirmed", 0)
    assert len(found.lost) <= unconfirmed, (
        f"{len(found.lost)} of {len(accepted)} rows count as accepted and are not held, {unconfirmed} of them "
        f"unconfirmed: {dict(list(found.lost.items())[:5])}"
    )
    return found


def accepted_keys(keys: Sequence[str], ledger: LedgerReader) -> list[str]:
    """The keys of the rows that count as accepted.

    Of a delivery that did not end, as that of a killed task, only those of requests that were accepted as a whole
    can be told.

    :param keys: of every row that was read, in order.
    """
    if ledger.finished and ledger.complete:
        undelivered = {record.number for record in ledger.rows()}
        return [key for number, key in enumerate(keys, 1) if number not in undelivered]
    return [keys[number - 1] for record in ledger.requests() for number in _accepted_rows(record)]


def look_up(accepted: Iterable[str], store: Store, path: str = "/v2/bulkevents") -> Found:
    """Asks the sandbox for each of these message ids."""
    found = Found()
    for key in accepted:
        fate = store.fate(key, path)
        if fate.held:
            found.held.add(key)
        elif fate.reason in (REPEATED_MESSAGE, REPEATED_CONVERSION) and store.fate(fate.of, path).held:
            found.repeats[key] = fate.of
        else:
            found.lost[key] = fate.reason
    return found


def assert_members(
    store: Store,
    audience: str,
    persons: Collection[str],
    via: Literal["import", "events"] = "import",
    unconfirmed: int = 0,
) -> None:
    """Holds an audience against who is said to be in it.

    :param persons: the digests of their addresses.
    :param via: the road they took.
    :param unconfirmed: how many may be missing, or still in.
    """
    there = store.audiences.get(audience, frozenset()) if via == "import" else _members_by_events(store, audience)
    missing, left = set(persons) - there, there - set(persons)
    assert len(missing) + len(left) <= unconfirmed, f"{len(missing)} are not in {audience}, {len(left)} still are"


def _members_by_events(store: Store, audience: str) -> frozenset[str]:
    members = [dict(member) for member in store.memberships.get(audience, ())]
    return frozenset(str(each.get("other") or sha256(str(each.get("email")).encode()).hexdigest()) for each in members)


def _accepted_rows(record: RequestRecord) -> Iterator[int]:
    rows = range(record.first_row, record.last_row + 1)
    whole = sum(verdict.rows for verdict in record.batches) == len(rows)
    if whole and all(verdict.outcome is Outcome.ACCEPTED for verdict in record.batches):
        yield from rows
