"""The mirrored lists of syncs: what a mirror remembers lies apart from what its sync does, and goes on its own."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from airflow_provider_rokt.audiences.membership_file import MembershipFile
from airflow_provider_rokt.audiences.mirror_files import FIRST, MEMBERS, UNCONFIRMED
from airflow_provider_rokt.exceptions import RoktAudienceBusyError, RoktError
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.mirrored_list import MirroredList, remembered_lists
from airflow_provider_rokt.syncs.sync import Sync


class KnownMirror(NamedTuple):
    """One mirrored list.

    :param owner: the name of the sync that mirrors it.
    :param members: how many are remembered; None where no run was confirmed yet.
    """

    mirrored: MirroredList
    owner: str
    members: int | None

    def data(self) -> dict[str, Any]:
        """What is remembered, for programs."""
        one = self.mirrored
        return {"audience": one.audience, "via": one.via, "members": self.members, "folder": one.folder.uri}

    def at_work(self) -> Iterator[tuple[str, float | None]]:
        """Who is changing it, and until when unless it goes on."""
        try:
            holder = self.mirrored.at_work()
        except RoktAudienceBusyError as error:
            yield str(error), None
        else:
            yield from [(holder.run, holder.expires)] if holder else []


def mirror_words(data: Mapping[str, Any]) -> str:
    """The same in words."""
    members = "members not confirmed yet" if data["members"] is None else f"{data['members']:,} members"
    return f"audience {data['audience']!r} (via={data['via']!r}), {members}"


class KnownMirrors:
    """All mirrored lists of a ledger. One whose memory is damaged is left out: its next run names it."""

    def __init__(self, ledger: Ledger) -> None:
        self._all = list(_found(ledger))

    def of(self, sync: Sync) -> list[KnownMirror]:
        """Those that a sync mirrors."""
        return [one for one in self._all if (one.owner, one.mirrored.connection) == (sync.name, sync.connection)]


def _found(ledger: Ledger) -> Iterator[KnownMirror]:
    for folder in remembered_lists(ledger):
        try:
            members = MembershipFile(folder, MEMBERS)
            header = members.header()
            count = None if header is None else members.count()
            header = header or MembershipFile(folder, UNCONFIRMED + FIRST).header() or {}
        except RoktError:
            continue
        settings = header.get("settings")
        if header.get("owner") and isinstance(settings, dict) and {"connection", "via", "audience"} <= settings.keys():
            list_ = MirroredList(ledger, settings["connection"], settings["via"], settings["audience"])
            yield KnownMirror(list_, str(header["owner"]), count)
