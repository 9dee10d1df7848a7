"""The ledger: the one durable record of a delivery, as JSON Lines in a folder of its own.

``<root>/<delivery_id>/part-00000.jsonl`` begins with who sends what, then has a line for every request and for
every row that was not delivered; ``report.jsonl`` appears when the delivery is over, and holds the final report.
"""

import logging
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.ledger.parts import REPORT_NAME
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.storage.folder import Folder, part_name
from airflow_provider_rokt.storage.store_folder import folder_at

log = logging.getLogger(__name__)

# Plain names only: a delivery id becomes a path, and it arrives from XCom, the command line and the web page.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Ledger:
    """All deliveries under one root.

    :param root: a ``pathlib.Path`` or an Airflow ``ObjectStoragePath``; made when the first delivery begins.
    """

    def __init__(self, root: Any) -> None:
        self._folder = folder_at(root)

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
        now = datetime.now(UTC)
        name = plain_name(delivery_id or f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}")
        header = DeliveryHeader(
            delivery_id=name,
            operation=operation,
            started_at=now.isoformat(timespec="seconds"),
            sender=sender,
            options=options,
        )
        return LedgerWriter(self._folder.folder(name), header)

    def find(self, delivery: str) -> LedgerReader | None:
        """The ledger of a delivery, or None where it has not begun.

        :param delivery: as :func:`delivery_id_of` takes it.
        """
        name = delivery_id_of(delivery)
        folder = self._folder.folder(name)
        # One that lost its first part is a ledger all the same: a damaged one.
        begun = folder.exists(part_name(0)) or folder.exists(REPORT_NAME)
        return LedgerReader(folder, name) if begun else None

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
        """The newest deliveries, newest first, damaged ones too; what is no ledger is left out with a log line."""
        found: list[LedgerReader] = []
        for name in reversed(self._folder.names()):
            if len(found) == limit:
                break
            if _PLAIN_NAME.fullmatch(name):
                found.extend(self._listed(name))
        return found

    def _listed(self, name: str) -> Iterable[LedgerReader]:
        folder, why = self._folder.folder(name), "it is no delivery's folder"
        try:
            if not {part_name(0), REPORT_NAME}.isdisjoint(folder.names()):
                return [LedgerReader(folder, name)]
        except OSError as error:
            why = type(error).__name__
        log.warning("Left out of the list of deliveries: %s: %s", folder.uri, why)
        return []


def delivery_id_of(delivery: str) -> str:
    """The id of a delivery.

    :param delivery: the id itself, or the URI a report names. Of a URI only the last segment counts, since a shared
        folder may be mounted elsewhere on another worker.
    :raises RoktLedgerError: where it cannot be one.
    """
    return plain_name(delivery.rstrip("/").rpartition("/")[2])


def plain_name(name: str) -> str:
    """The name itself where it can be a delivery's.

    :raises RoktLedgerError: for what could lead out of the ledger's folder.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise RoktLedgerError(f"{name[:80]!r} is no delivery id: letters, digits, '-', '_' and '.' make one")
    return name
