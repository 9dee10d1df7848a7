"""``airflow rokt deliveries prune``: removes what ended long ago."""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_rokt.commands.asking import asking_problems, is_agreed
from airflow_provider_rokt.commands.exit_status import FAILED, exits
from airflow_provider_rokt.commands.output import is_data, print_data, printable
from airflow_provider_rokt.exceptions import RoktSettingsError, RoktStorageError
from airflow_provider_rokt.ledger.expiry import Expired, Expiry, Unjudged
from airflow_provider_rokt.runs.place import syncs_of
from airflow_provider_rokt.task.configuration import ledger_days, open_ledger

_DUE: Final = "due"
_REMOVED: Final = "removed"
_RUNNING: Final = "running"
_NOT_REMOVED: Final = "not removed"


@dataclass
class _Fate:
    """What became of one delivery; ``failure`` says why it is still there."""

    expired: Expired
    state: str = _DUE
    failure: str = ""


@exits
def prune_deliveries(arguments: Namespace) -> int:
    """Tells what is old enough, asks, and removes it."""
    days = arguments.days or ledger_days()
    _check(arguments, days)
    ledger = open_ledger()
    expiry = ledger.expiry(days)
    due, unjudged = expiry.look()
    told, is_data_wanted = _told(due, days, ledger.uri), is_data(arguments.output)
    need_not_ask = arguments.yes or arguments.dry_run or not due
    if need_not_ask and not is_data_wanted:
        print(told)
    agreed = need_not_ask or is_agreed(told, "Remove them for good?")
    fates = [_Fate(one) for one in due]
    if agreed and not arguments.dry_run:
        _remove(expiry, fates)
        syncs_of(ledger).forget_deliveries({fate.expired.delivery_id for fate in fates if fate.state == _REMOVED})
    if is_data_wanted:
        print_data(_data(expiry, days, fates, unjudged), arguments.output)
    else:
        print("\n".join(_lines(fates, unjudged)))
    failed = unjudged or any(fate.failure for fate in fates)
    return FAILED if not agreed else 1 if failed else 0


def _check(arguments: Namespace, days: int) -> None:
    problems = []
    if not days:
        problems.append("give --days, or set [rokt] ledger_days: without it deliveries are kept for ever")
    if problems := [*problems, *asking_problems(arguments)]:
        raise RoktSettingsError("the command's arguments", problems)


def _remove(expiry: Expiry, fates: Iterable[_Fate]) -> None:
    for fate in fates:
        try:
            fate.state = _REMOVED if expiry.remove(fate.expired) else _RUNNING
        except RoktStorageError as error:
            fate.state, fate.failure = _NOT_REMOVED, error.failure
    expiry.tidy()


def _told(due: Sequence[Expired], days: int, uri: str) -> str:
    if not due:
        return f"No deliveries under {uri} ended more than {days:,} days ago"
    parts = [
        _span([one for one in due if one.ended], "ended"),
        _span([one for one in due if not one.ended], "never ended and wrote last"),
    ]
    said = "; ".join(part for part in parts if part)
    return f"{_count(len(due))} under {uri} of more than {days:,} days ago: {said}"


def _span(due: Sequence[Expired], what: str) -> str:
    if not due:
        return ""
    first, last = f"{due[0].at:%Y-%m-%d}", f"{due[-1].at:%Y-%m-%d}"
    return f"{len(due):,} {what} " + (f"on {first}" if first == last else f"from {first} to {last}")


def _count(deliveries: int) -> str:
    return f"{deliveries:,} {'delivery' if deliveries == 1 else 'deliveries'}"


def _lines(fates: Sequence[_Fate], unjudged: Sequence[Unjudged]) -> Iterator[str]:
    states = Counter(fate.state for fate in fates)
    for fate in fates:
        if fate.failure:
            yield printable(f"Not removed: {fate.expired.delivery_id}: {fate.failure}")
    for one in unjudged:
        yield printable(f"Not looked at: {one.folder.uri}: {one.failure}")
    if states[_RUNNING]:
        yield f"Still running, so kept: {states[_RUNNING]:,}"
    yield f"Removed {_count(states[_REMOVED])}." if states[_REMOVED] else "Nothing was removed."


def _data(expiry: Expiry, days: int, fates: Sequence[_Fate], unjudged: Sequence[Unjudged]) -> dict[str, Any]:
    return {
        "days": days,
        "before": expiry.before.isoformat(timespec="seconds"),
        "removed": sum(fate.state == _REMOVED for fate in fates),
        "deliveries": [
            {
                "delivery_id": fate.expired.delivery_id,
                "ended": fate.expired.ended,
                "at": fate.expired.at.isoformat(timespec="seconds"),
                "state": fate.state,
                "failure": fate.failure,
            }
            for fate in fates
        ],
        "unreadable": [{"folder": one.folder.uri, "failure": one.failure} for one in unjudged],
    }
