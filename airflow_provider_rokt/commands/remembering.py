"""``airflow rokt syncs list`` and ``show``: what is remembered, since when, and who is at work. They only read."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from airflow_provider_rokt.commands.deliveries import entry_of
from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.commands.known_mirrors import KnownMirror, KnownMirrors, mirror_words
from airflow_provider_rokt.commands.known_syncs import KnownSyncs, database_lines
from airflow_provider_rokt.commands.output import aligned, blanked, is_data, print_data, printable
from airflow_provider_rokt.exceptions import RoktLedgerError, RoktStorageError, RoktSyncBusyError
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.syncs.sync import Contents, Sync, date_of
from airflow_provider_rokt.task.configuration import open_ledger
from airflow_provider_rokt.turns.turn import at_work

_DELIVERIES_SHOWN: Final = 10
_GONE: Final = "gone"
_COUNTS: Final = ("read", "accepted", "rejected", "failed", "skipped")


@exits
def list_syncs(arguments: Namespace) -> int:
    """Lists every sync of the ledger, by name."""
    known = KnownSyncs(open_ledger())
    mirrors = KnownMirrors(known.ledger)
    syncs = [_entry(sync, known.ledger, mirrors.of(sync)) for sync in known.all()]
    if not is_data(arguments.output):
        syncs = [one | {"mirrors": "; ".join(map(mirror_words, one["mirrors"]))} for one in blanked(syncs)]
        if not syncs:
            print(f"No syncs under {known.ledger.uri}")
            return 0
    print_data(syncs, arguments.output)
    return 0


@exits
def show_sync(arguments: Namespace) -> int:
    """Shows one sync."""
    known = KnownSyncs(open_ledger())
    sync = known.named(arguments.name, arguments.rokt_conn_id)
    shown = _data(sync, known)
    if is_data(arguments.output):
        print_data(shown, arguments.output)
    else:
        print("\n".join([*_head(shown), "", *_deliveries(shown)]))
    return 0


def _entry(sync: Sync, ledger: Ledger, mirrors: Sequence[KnownMirror]) -> dict[str, Any]:
    """A sync as the list shows it; None for what cannot be told."""
    told: dict[str, Any] = {"sync": sync.name, "connection": sync.connection}
    told |= dict.fromkeys(("rows", "since", "newest", "deliveries", "state"))
    told |= {"mirrors": [one.data() for one in mirrors]}
    try:
        contents, deliveries = sync.contents(), sync.deliveries()
        # A mirror remembers members, and no rows.
        rows = None if mirrors and not contents.rows else contents.rows
        told |= {"rows": rows, "since": _since(contents, deliveries), "deliveries": len(deliveries)}
    except RoktStorageError:
        return {**told, "state": "unreadable"}
    newest = _delivery(ledger, deliveries[0]) if deliveries else None
    return {**told, "newest": newest and newest["started"], "state": newest and newest["state"]}


def _data(sync: Sync, known: KnownSyncs) -> dict[str, Any]:
    contents, deliveries = sync.contents(), sync.deliveries()
    days, mirrors = contents.days, KnownMirrors(known.ledger).of(sync)
    return {
        "sync": sync.name,
        "connection": sync.connection,
        "folder": sync.folder.uri,
        "number": contents.number,
        "rows": contents.rows,
        "mirrors": [one.data() | {"forget": one.mirrored.start_over} for one in mirrors],
        "since": _since(contents, deliveries),
        "until": _date(days[-1]) if days else None,
        "files": [{"name": one.text, "rows": one.entries} for one in contents.folds],
        "trails": [{"name": str(one.name), "rows": one.rows(), "done": one.is_done()} for one in contents.trails],
        "at_work": [*_at_work(sync), *(_worker_data(*one) for mirror in mirrors for one in mirror.at_work())],
        "database": known.in_database(sync, contents.number),
        "deliveries": len(deliveries),
        "last_deliveries": [_delivery(known.ledger, one) for one in islice(deliveries, _DELIVERIES_SHOWN)],
    }


def _since(contents: Contents, deliveries: Sequence[str]) -> str | None:
    """The first day: of a sorted file only the last one is known by its name, so the deliveries tell it."""
    days = [_date(day) for day in contents.days[:1]]
    days += [began[:10] for began in map(_began, deliveries[-1:]) if began]
    return min(days, default=None)


def _date(day: int) -> str:
    return date_of(day).isoformat()


def _began(delivery_id: str) -> str | None:
    """When a delivery began, as its id tells."""
    try:
        return datetime.strptime(delivery_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat(timespec="seconds")
    except ValueError:
        return None


def _delivery(ledger: Ledger, delivery_id: str) -> dict[str, Any]:
    """One delivery: of one that was pruned, or lies in another ledger, its id is left."""
    try:
        reader = ledger.find(delivery_id)
    except (RoktLedgerError, OSError):
        reader = None
    entry = entry_of(reader) if reader else {"state": _GONE, **dict.fromkeys(_COUNTS)}
    told = ("state", *_COUNTS)
    return {"delivery_id": delivery_id, "started": _began(delivery_id), **{name: entry[name] for name in told}}


def _at_work(sync: Sync) -> list[dict[str, Any]]:
    try:
        holders = at_work(sync.turns, sync.name)
    except RoktSyncBusyError as error:
        return [_worker_data(str(error), None)]
    return [_worker_data(one.run, one.expires) for one in holders]


def _worker_data(run: str, expires: float | None) -> dict[str, Any]:
    until = None if expires is None else datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds")
    return {"run": run, "until": until}


def _head(shown: Mapping[str, Any]) -> Iterator[str]:
    yield printable(f"Sync {shown['sync']!r}")
    trails = shown["trails"]
    open_ = sum(not one["done"] for one in trails)
    details = {
        "connection": shown["connection"],
        "folder": shown["folder"],
        "remembers": _remembered(shown),
        "number": shown["number"],
        "kept in": f"{len(shown['files']):,} sorted files and {len(trails):,} trails, {open_:,} of which may go on",
        "at work": "; ".join(_worker(one) for one in shown["at_work"]) or "nobody",
    }
    yield from (f"  {name:<11} {printable(value)}" for name, value in details.items())
    for one in shown["mirrors"]:
        yield printable(f"  {'mirrors':<11} {mirror_words(one)}, in {one['folder']}")
        yield printable(f"  {'':<11} to start over with it: {one['forget']}")
    yield from (f"  {printable(line)}" for line in database_lines(shown["database"]))


def _remembered(shown: Mapping[str, Any]) -> str:
    if not shown["rows"]:
        return "no rows"
    return f"{shown['rows']:,} rows, from {shown['since']} to {shown['until']}"


def _worker(one: Mapping[str, Any]) -> str:
    return f"{one['run']}, until {one['until']} unless it goes on" if one["until"] else str(one["run"])


def _deliveries(shown: Mapping[str, Any]) -> Iterator[str]:
    last = shown["last_deliveries"]
    if not last:
        yield "No deliveries"
        return
    yield f"The last {len(last):,} of {shown['deliveries']:,} deliveries"
    yield from aligned([list(last[0]), *(list(row.values()) for row in blanked(last))])
