"""An audience over the Custom Audience Import: rows into the spool as members, changes out of the plan as requests."""

from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_rokt.audiences.address import address_reader
from airflow_provider_rokt.audiences.import_requests import MemberPacker
from airflow_provider_rokt.audiences.intake import MemberIntake
from airflow_provider_rokt.audiences.mapping import STATUS, MembershipColumns
from airflow_provider_rokt.audiences.plan import Change
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.stream import Row, Window


class ImportIntake:
    """Takes each row's address or hash; the rest of a row has no place in an import.

    :param wanted: what a row means that does not say itself whether its person belongs in the audience.
    """

    def __init__(self, spool: MemberSpool, columns: MembershipColumns, *, hash_emails: bool, wanted: bool) -> None:
        self._status = columns.status
        read = address_reader(columns.addresses, hash_emails=hash_emails)
        self._intake = MemberIntake(spool, read, wanted=wanted, wanted_path=STATUS)

    def take(self, rows: Sequence[Row]) -> Window:
        """Takes the next rows, in order."""
        status = None if self._status is None else [row[self._status] for row in rows]
        return Window(faults=self._intake.take(rows, status))


class ImportPacker:
    """Packs changes into import requests."""

    def __init__(self, packer: MemberPacker) -> None:
        self._packer = packer

    def windows(self, changes: Iterable[Change]) -> Iterator[Window]:
        """The requests, each as soon as it is full."""
        for request in self._packer.requests(changes):
            yield Window(requests=[request])
