"""Which rows to send again: those that an earlier delivery did not bring to Rokt."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError, RoktSettingsError
from airflow_provider_rokt.flow.row import RowRef, names_place
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.options import NAMES_NOTHING, DeliveryOptions
from airflow_provider_rokt.sorting.key_set import KeySet

log = logging.getLogger(__name__)


class Resend:
    """Tells the rows that were rejected or failed earlier, by key.

    A row that had no id then is known by its place alone. That is right only while the query returns the same rows in
    the same order, so :meth:`check` refuses to call it done when their number has changed. An audience, which has
    no such order, is sent whole then: adding or removing twice is adding or removing once.

    :param earlier: the ledger of that delivery.
    :raises RoktLedgerError: when it ended before all of its rows were read, or is damaged.
    """

    def __init__(self, earlier: LedgerReader) -> None:
        self._earlier = earlier
        self._places, self._keys = KeySet(), KeySet()
        for row in earlier.undelivered():
            # By its number too: a user's own id may read like the place of some other row.
            is_place = names_place(row.key) and row.key == RowRef.at(row.number).key
            (self._places if is_place else self._keys).add(row.key)
        self._whole = bool(self._places) and earlier.header.operation == "audience"

    def __call__(self, row: RowRef) -> bool:
        """Whether to send this row."""
        named = self._keys.ask(row.key)
        return self._whole or named or (bool(self._places) and self._places.ask(RowRef.at(row.number).key))

    def check(self, report: Report) -> None:
        """Says what it could not find.

        :raises RoktLedgerError: when rows are known by a place that may have changed.
        """
        name = self._earlier.delivery_id
        if missing := self._keys.unasked:
            log.warning("%d rows of delivery %s are no longer in the query; not sent", missing, name)
        before = (self._earlier.report() or {}).get("rows_read")
        if self._places and not self._whole and report.rows_read != before:
            error = RoktLedgerError(
                f"{len(self._places)} rows of delivery {name} had no source_message_id, so they are known by their "
                f"place alone, and the query now returns {report.rows_read} rows instead of {before}: another row may "
                "stand there. Run the task without resend_from; Rokt recognises what it took already."
            )
            error.report = report.summary()
            raise error


def resend_of(options: DeliveryOptions, ledger: Ledger) -> Resend | None:
    """What the option ``resend_from`` stands for; ``None`` where it is not given.

    :param options: of what is being sent now; an audience is resent to the same audience in the same mode only.
    :raises RoktSettingsError: when it is given and names no delivery: it narrows what is sent, so nothing must not mean
        everything.
    :raises RoktLedgerError: when there is no such delivery, or it was of another kind.
    """
    given: Any = options.resend_from
    if given is None:
        return None
    name = given.get("delivery_id") if isinstance(given, Mapping) else given
    if not isinstance(name, str) or name.strip() in ("", "None"):
        raise RoktSettingsError("argument 'resend_from'", [NAMES_NOTHING])
    earlier = ledger.open(name.strip())
    try:
        _require_same(earlier, options)
        return Resend(earlier)
    except RoktLedgerDamagedError as error:
        raise RoktLedgerDamagedError(
            f"{error}. So nobody can say what of delivery {earlier.delivery_id} is missing, and nothing was sent: run "
            "the task without resend_from; Rokt recognises what it took already"
        ) from None


def _require_same(earlier: LedgerReader, options: DeliveryOptions) -> None:
    then = {"operation": earlier.header.operation, **earlier.header.options}
    now = {"operation": options.operation, **options.recorded()}
    for what in ("operation", "audience", "mode"):
        if then.get(what) != now.get(what):
            raise RoktLedgerError(
                f"delivery {earlier.delivery_id} cannot be resent here: its {what} was {then.get(what)!r}, this task's "
                f"is {now.get(what)!r}"
            )
