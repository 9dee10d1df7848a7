"""The ledger: the one durable record of a delivery, as JSON Lines in a folder of its own.

``<root>/<day>/<delivery_id>/part-00000.jsonl`` begins with who sends what, then has a line for every request and for
every row that was not delivered; ``report.jsonl`` appears when the delivery is over, and holds the final report.
"""

import logging
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.ledger.expiry import Expiry
from airflow_provider_rokt.ledger.layout import Layout, Placed, day_of, is_begun, plain_name
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.store_folder import folder_at

log = logging.getLogger(__name__)


class Ledger:
    """All deliveries under one root.

    :param root: a ``pathlib.Path`` or an Airflow ``ObjectStoragePath``; made when the first delivery begins.
    """

    def __init__(self, root: Any) -> None:
        self._folder = folder_at(root)
        self._layout = Layout(self._folder)

    @property
    def uri(self) -> str:
        """The root's address."""
        return self._folder.uri

    def beside(self, name: str) -> Folder:
        """A folder for other lasting records; its name begins so that it cannot be a delivery's."""
        return self._folder.folder(name)

    def begin(
        self, operation: str, sender: dict[str, Any], options: dict[str, Any], delivery_id: str | None = None
    ) -> LedgerWriter:
        """Begins a delivery; its header is readable at once.

        :param operation: ``"conversions"`` or ``"audience"``.
        :param sender: the task and its connection, as :class:`~.records.DeliveryHeader` says.
        :param options: the arguments that shape what is sent; JSON-safe, no secrets.
        :param delivery_id: a name not used before; a new one sorts by time.
        """
        name = plain_name(delivery_id or new_delivery_id())
        header = DeliveryHeader(
            delivery_id=name,
            operation=operation,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            sender=sender,
            options=options,
        )
        # A name of the caller's may be taken by what an older release wrote; one of ours is new.
        taken = self._layout.find(name) if delivery_id else None
        return LedgerWriter(taken or self._layout.new(name), header)

    def find(self, delivery: str) -> LedgerReader | None:
        """The ledger of a delivery, or None where it has not begun.

        :param delivery: as :func:`delivery_id_of` takes it.
        """
        name = delivery_id_of(delivery)
        folder = self._layout.find(name)
        return LedgerReader(folder, name) if folder else None

    def likely(self, delivery_id: str) -> LedgerReader:
        """The ledger of a delivery where it should lie, asked for nothing: it may lie elsewhere, or nowhere.

        :raises RoktLedgerError: where it cannot be the id of one.
        """
        return LedgerReader(self._layout.likely(plain_name(delivery_id)), delivery_id)

    def open(self, delivery: str) -> LedgerReader:
        """The ledger of a delivery that must exist; the parameter is that of :meth:`find`.

        :raises RoktLedgerError: where it does not.
        """
        reader = self.find(delivery)
        if reader is None:
            raise RoktLedgerError(
                f"no ledger of delivery {delivery!r} under {self.uri}. When the workers do not share a disk, set "
                "[rokt] ledger_path to storage that all of them reach"
            )
        return reader

    def deliveries(self, limit: int) -> list[LedgerReader]:
        """The newest deliveries, newest first, damaged ones too; what is no ledger is left out with a log line.

        Days before theirs are not read, so it takes as long with a thousand deliveries as with a million.
        """
        listed = chain.from_iterable(map(self._listed, self._layout.newest()))
        return list(islice(listed, limit))

    def begun_between(self, first: datetime, last: datetime) -> Iterator[str]:
        """The ids that say that their delivery began then, newest first, both ends included; only days are listed.

        Days outside are not read. Ids that tell no time are left out.
        """
        earliest, latest = (f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}" for at in (first, last))
        for name, _ in self._layout.newest(until=latest[:8]):
            if day_of(name) is None or name[:16] > latest:
                continue
            if name[:16] < earliest:
                return
            yield name

    def expiry(self, days: int) -> Expiry:
        """What may be removed.

        :param days: for how many a delivery is kept after its end; at least 1.
        """
        return Expiry(self._layout, days)

    def _listed(self, placed: Placed) -> Iterable[LedgerReader]:
        (name, folder), why = placed, "it is no delivery's folder"
        try:
            if is_begun(folder.names()):
                return [LedgerReader(folder, name)]
        except OSError as error:
            why = type(error).__name__
        log.warning("Left out of the list of deliveries: %s: %s", folder.uri, why)
        return []


def new_delivery_id() -> str:
    """A name that was not used before; names sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}"


def delivery_id_of(delivery: str) -> str:
    """The id of a delivery.

    :param delivery: the id itself, or the URI a report names. Of a URI only the last segment counts, since a shared
        folder may be mounted elsewhere on another worker.
    :raises RoktLedgerError: where it cannot be one.
    """
    return plain_name(delivery.rstrip("/").rpartition("/")[2])
