"""What earlier deliveries of a sync were like."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktLedgerError, RoktStorageError
from airflow_provider_rokt.flow.degraded import Measures
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.warn_when import LEAST_RUNS
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.syncs.sync import Sync

log = logging.getLogger(__name__)

_LOOKED_AT: Final = 100
"""Deliveries that are looked at for each that is wanted: other parts' and failed ones do not count."""


def past_measures(ledger: Ledger, sync: Sync, sender: Mapping[str, Any], runs: int) -> list[Measures]:
    """The measures of the newest deliveries that delivered everything, at most so many, the newest first.

    Of a mapped task only the same part's: its siblings may be larger. A history that cannot be read is none.

    :param sender: of the delivery that is to be compared with them.
    """
    try:
        with reading(sync.folder.uri):
            ids = sync.deliveries()
            looked_at = iter(ids[: _LOOKED_AT * runs])
            found = list(islice(_measured(ledger, looked_at, sender.get("map_index")), runs))
    except (RoktLedgerError, RoktStorageError) as error:
        text = f"Nothing is known of earlier deliveries of sync {sync.name!r}: {error}"
        log_wrapped(log, logging.WARNING, text, breaks_words=False)
        return []
    if len(found) < LEAST_RUNS <= len(ids):
        text = f"Too few deliveries of sync {sync.name!r} say what is usual: {len(found)} of the newest {len(ids)}"
        log_wrapped(log, logging.INFO, text)
    return found


def _measured(ledger: Ledger, ids: Iterator[str], part: object) -> Iterator[Measures]:
    for delivery_id in ids:
        reader = ledger.find(delivery_id)
        if reader and (measures := _of(reader, part)):
            yield measures


def _of(reader: LedgerReader, part: object) -> Measures | None:
    """None where it is not to be compared with: another part's, of a choice of rows, failed, or damaged."""
    try:
        header, report = reader.header, reader.report()
        if report is None or not _is_like(header, report, part):
            return None
        seconds = datetime.fromisoformat(report["finished_at"]) - datetime.fromisoformat(header.started_at)
    except (RoktLedgerError, ValueError):
        return None
    return Measures.of(report, seconds.total_seconds())


def _is_like(header: DeliveryHeader, report: Mapping[str, Any], part: object) -> bool:
    of_all_rows = header.sender.get("map_index") == part and not header.options.get("resend_from")
    return of_all_rows and report["complete"] and not report["rows_failed"]
