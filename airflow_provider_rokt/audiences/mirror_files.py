"""The files that remember a mirrored audience: which of them count, and whether they are of this list."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.audiences.membership_file import MembershipFile
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder

MEMBERS: Final = "members"
UNCONFIRMED: Final = "unconfirmed-"
# The generation before the first commit.
FIRST: Final = "none"
# The number of a memory from before memories had one.
UNNUMBERED: Final = 1
# What to do about a memory from before a mirror refused to send addresses as they are, by the road.
RAW_MEMBERS: Final = {
    "import": "Its members were added by their addresses, which it cannot remove: run the query of then once with "
    "mode='exclude' and hash_emails=False",
    "events": "Its members were added by address and SHA-256 together, and it can remove by the SHA-256 alone: run the "
    "query of then once with mode='exclude', hash_emails=False and the column of addresses mapped to both "
    "user_identities.email and user_identities.other",
}


class MappedPart(NamedTuple):
    """Which part of which run of a mapped task.

    :param run: the same for all its parts.
    :param place: its own in the map.
    """

    run: str
    place: int


class Found(NamedTuple):
    """The memory that lies there.

    :param generation: of the last run that was confirmed.
    :param number: grows with each run that begins to change the list; 0 where nothing is remembered.
    :param owner: the sync that mirrors the list; None for a memory that belongs to none.
    :param part: that began to change the list last; None for a task that is not mapped.
    :param files: the names of those that count, :data:`MEMBERS` first.
    """

    generation: str = FIRST
    number: int = 0
    owner: str | None = None
    part: MappedPart | None = None
    files: tuple[str, ...] = ()


class MirrorFiles:
    """The files of one mirrored audience.

    :param folder: where they are; used for this audience only.
    :param settings: what the memory depends on, by the argument's name.
    """

    def __init__(self, folder: Folder, settings: Mapping[str, str | bool]) -> None:
        self.folder = folder
        self.settings = dict(settings)

    @property
    def start_over(self) -> str:
        """The command that forgets the memory."""
        return forget_command(self.settings)

    def exists(self) -> bool:
        """Whether a run was ever confirmed."""
        with reading(f"{self.folder.uri}/{MEMBERS}"):
            return self.folder.exists(MEMBERS)

    def find(self) -> Found:
        """Which memory lies there.

        :raises RoktAudienceError: when a file's header is damaged, a file is missing, or of other settings.
        """
        header = self._header(MEMBERS)
        generation = str(header.get("generation")) if header else FIRST
        unconfirmed = UNCONFIRMED + generation
        begun = self._header(unconfirmed)
        if header is None:
            self._require_nothing_before()
        elif begun is None:
            raise self.file(unconfirmed).unusable(f"it is missing, though {MEMBERS} goes with it")
        headers = {name: one for name, one in ((MEMBERS, header), (unconfirmed, begun)) if one is not None}
        number = max([self._number(name, one) for name, one in headers.items()], default=0)
        owners = [str(one["owner"]) for one in headers.values() if one.get("owner")]
        return Found(generation, number, owners[0] if owners else None, _part_of(begun or header), tuple(headers))

    def file(self, name: str) -> MembershipFile:
        """One of them."""
        return MembershipFile(self.folder, name, start_over=self.start_over)

    def write(self, name: str, found: Found, written_at: str, persons: Iterator[bytes]) -> None:
        """Writes one of them whole.

        :param found: of which memory it is.
        """
        header = {
            "generation": found.generation,
            "number": found.number,
            "owner": found.owner,
            "part": found.part and found.part._asdict(),
            "written_at": written_at,
            "settings": self.settings,
        }
        self.file(name).write(header, persons)

    def _number(self, name: str, header: Mapping[str, Any]) -> int:
        number = header.get("number", UNNUMBERED)
        if type(number) is not int or number < 1:
            raise self.file(name).unusable("its header holds no number")
        return number

    def _header(self, name: str) -> dict[str, Any] | None:
        file = self.file(name)
        header = file.header()
        remembered = header.get("settings") if header else self.settings
        if not isinstance(remembered, dict):
            raise file.unusable("its header names no settings")
        names = [key for key in {**remembered, **self.settings} if remembered.get(key) != self.settings.get(key)]
        if names:
            differences = "; ".join(_difference(key, remembered, self.settings) for key in names)
            was_raw = names == ["hash_emails"] and self.settings["hash_emails"]
            way_out = RAW_MEMBERS.get(str(remembered.get("via"))) if was_raw else None
            raise file.unusable(differences, way_out or "Change that back", joined="and" if way_out else "or")
        return header

    def _require_nothing_before(self) -> None:
        """Makes sure that there is no :data:`MEMBERS` because there was none yet, not because it was lost.

        Where the first run was killed as it committed, what it began with is still there. A name with a dot is an
        unfinished file's.
        """
        left = [name for name in self.folder.names() if name.startswith(UNCONFIRMED) and "." not in name]
        if left and UNCONFIRMED + FIRST not in left:
            raise self.file(MEMBERS).unusable(f"it is missing, though {left[0]} goes with it")


def forget_command(settings: Mapping[str, str | bool]) -> str:
    """The command that forgets what is remembered of a list.

    :param settings: as :class:`MirrorFiles` has them.
    """
    command = f"airflow rokt syncs forget --audience {shlex.quote(str(settings.get('audience')))}"
    for flag, name in (("--via", "via"), ("--rokt-conn-id", "connection")):
        if value := settings.get(name):
            command += f" {flag} {shlex.quote(str(value))}"
    return command


def _part_of(header: Mapping[str, Any] | None) -> MappedPart | None:
    """None where a release wrote it that did not say so."""
    part = header.get("part") if header else None
    return MappedPart(str(part.get("run")), part.get("place", -1)) if isinstance(part, dict) else None


def _difference(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"it was made with {name}={before.get(name)!r}, this run has {name}={now.get(name)!r}"
