"""Where a mapping may point: a path, or a column's name, to the field it means."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final, NamedTuple

from airflow_provider_rokt.events.aliases import meant_by, perhaps_meant_by
from airflow_provider_rokt.events.fields import DIGEST, FIELDS, TEXT, Field, Kind, Need, hash_of
from airflow_provider_rokt.events.hashed_names import SHA256, hashed_name
from airflow_provider_rokt.exceptions import RoktMappingError, short_name

# mParticle's default service limits: longer attribute names are cut off, so that two of them could become one.
_NAME_CHARS: Final = 256
_SHAPES: Final = ": write it as the table of fields does, like user_identities.email or user_attributes.<any>"
# Paths that the operators set, so that no row can; to each why it cannot be mapped.
FIXED: Final = {
    "environment": "it is the argument of that name",
    "events[].event_type": "it is custom_event",
    "events[].data.event_name": "it is what the operator sends",
    "events[].data.custom_event_type": "it is what the operator sends",
}
_fold: Final = re.compile(r"[^a-z0-9]").sub
# Their hash is that of one spelling, so they are known in billing_phone too; of text there is but one.
_SPELLED: Final = frozenset({"user_identities.email", "user_attributes.mobile"})
_CUSTOM_ATTRIBUTES: Final = "events[].data.custom_attributes"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one kind of event sets itself and what its rows must have.

    :param event_name: ``events[].data.event_name``.
    :param custom_event_type: ``events[].data.custom_event_type``.
    :param required: paths each row must fill, besides an identity.
    :param sets_attributes: whether the event's custom attributes are set by the operator, so not mapped.
    """

    event_name: str
    custom_event_type: str
    required: frozenset[str] = frozenset()
    sets_attributes: bool = False


CONVERSION: Final = Profile(
    "conversion", "transaction", frozenset(field.path for field in FIELDS if field.need is Need.REQUIRED)
)
MEMBERSHIP: Final = Profile("audiencemembershipupdate", "other", sets_attributes=True)

# The user's own identities before the device's: this is how the errors list them.
IDENTITY_PATHS: Final = tuple(
    sorted((field.path for field in FIELDS if field.need is Need.IDENTITY), key=lambda path: path.startswith("device"))
)
DEVICE_IDENTITIES: Final = frozenset(
    path.removeprefix("device_info.") for path in IDENTITY_PATHS if path.startswith("device_info.")
)


class Destination(NamedTuple):
    """One concrete place in a batch.

    :param section: the object that holds it, as the path names it; ``""`` is the batch itself.
    :param key: its key in that object.
    :param place: its field's place in the table, which is its place in the document.
    """

    path: str
    section: str
    key: str
    field: Field
    place: int


def _concrete(place: int, field: Field) -> Destination:
    section, _, key = field.path.rpartition(".")
    return Destination(field.path, section, key, field, place)


_BY_PATH: Final = {field.path: _concrete(place, field) for place, field in enumerate(FIELDS) if not field.is_open}
_BY_COLUMN: Final = {destination.field.column.lower(): destination for destination in _BY_PATH.values()}
_BY_WORD: Final = {_fold("", column): place for column, place in _BY_COLUMN.items() if "." not in column}
_BY_LOWER_PATH: Final = {path.lower(): destination for path, destination in _BY_PATH.items()}
_OPEN: Final = tuple((place, field) for place, field in enumerate(FIELDS) if field.is_open)
_PATHS_BY_NAME: Final = {field.name: field.path for field in reversed(FIELDS)}
_FIXED_NAMES: Final = {path.rpartition(".")[2]: path for path in FIXED}


def destination(path: object, profile: Profile) -> Destination:
    """The place a mapping's path means.

    :raises RoktMappingError: if there is no such place, or it is not for mapping; says which are close.
    """
    if not isinstance(path, str):
        raise RoktMappingError(f"a destination is a path written as text, not {type(path).__name__}")
    if path in FIXED:
        raise RoktMappingError(f"{path} is a fixed value and cannot be mapped: {FIXED[path]}; leave it out")
    found = _BY_PATH.get(path) or _open_destination(path)
    if found is None and (meant := meant_by(path.rpartition(".")[2], of_attribute=False)):
        raise RoktMappingError(f"{short_name(path)} is no field of Rokt's: write {meant}")
    if found is None:
        raise RoktMappingError(f"{short_name(path)} is no field of Rokt's{_suggestion(_close_paths(path)) or _SHAPES}")
    if profile.sets_attributes and found.section == _CUSTOM_ATTRIBUTES:
        raise RoktMappingError(
            f"{short_name(path)} is for conversions; the audience operator sets its event's attributes itself"
        )
    return found


def automatic(column: str, profile: Profile) -> Destination:
    """The place a column means by its name: a field's last path segment, or a whole path; case does not matter.

    :raises RoktMappingError: if it means none, or one that is not for mapping; says which names are close.
    """
    lowered = column.lower()
    if lowered in _FIXED_NAMES:
        return destination(_FIXED_NAMES[lowered], profile)
    known = _BY_COLUMN.get(lowered) or _BY_LOWER_PATH.get(lowered)
    if known is None and "." not in column and (meant := meant_by(column, of_attribute=False)):
        name = _BY_PATH[meant].field.column
        raise RoktMappingError(
            f"column {short_name(column)!r} is what Rokt's guide calls {name}: rename it (SELECT ... AS {name}), or "
            f"pass a mapping and write {meant}"
        )
    if known is None and "." not in column:
        close = get_close_matches(lowered, _BY_COLUMN)
        raise RoktMappingError(
            f"column {short_name(column)!r} is not named after a field of Rokt's{_suggestion(close)}:"
            " rename it (SELECT ... AS ...), leave it out of the query, or pass a mapping"
        )
    return destination(known.path if known else column, profile)


def misplaced(paths: Iterable[str]) -> list[str]:
    """What to say of attributes that go by the name of one of Rokt's fields elsewhere, a sentence each."""
    attributes = [_open_destination(path) for path in paths if path not in _BY_PATH]
    # What is hashed may well be an attribute, as Rokt's own are.
    own = [found for found in attributes if found and found.field.name == "<any>" and not found.field.kind.is_hash]
    return [
        f"{short_name(one.path)} is an attribute of your own, by which Rokt matches nobody: its field is {meant}"
        for one in own
        if (meant := perhaps_meant_by(one.key))
    ]


def _open_destination(path: str) -> Destination | None:
    for place, field in _OPEN:
        if match := field.pattern.fullmatch(path):
            section, key = match.groups()
            _check_name(path, section, key, field)
            return Destination(path, section, key, _hashed_if_named_so(key, field), place)
    return None


def _hashed_if_named_so(key: str, field: Field) -> Field:
    """An attribute of the user's own named as a hash is hashed like Rokt's; its twin's rule holds, if known."""
    if field.name != "<any>" or not (said := hashed_name(key, lambda word: _twin(word) is not None)):
        return field
    if said.function not in ("", SHA256):
        return replace(field, kind=DIGEST)
    return replace(field, kind=hash_of(_kind_of(said.words), any_digest=not said.function))


def _kind_of(words: Sequence[str]) -> Kind:
    """How what goes by these words is read before it is hashed."""
    if whole := _twin("".join(words)):
        return whole.field.kind
    twins = [_twin("".join(words[start:])) for start in range(1, len(words))]
    return next((twin.field.kind for twin in twins if twin and twin.path in _SPELLED), TEXT)


def _twin(word: str) -> Destination | None:
    """The field that a name means which says nothing of a hash."""
    found = _BY_WORD.get(word) or _BY_PATH.get(meant_by(word, of_attribute=False) or "")
    return found if found and not found.field.kind.is_hash else None


def _check_name(path: str, section: str, key: str, field: Field) -> None:
    if path == field.path:
        raise RoktMappingError(f"{path}: put a name of your own in place of the <...>")
    if field.name != "<any>":
        return
    if key != key.strip():
        raise RoktMappingError(f"{short_name(path)}: the attribute's name begins or ends with a blank")
    if len(key) > _NAME_CHARS:
        raise RoktMappingError(f"{short_name(path)}: an attribute's name has at most {_NAME_CHARS} characters")
    # As a field of the user's own it would be accepted, and Rokt would never match by it.
    known = _BY_LOWER_PATH.get(path.lower())
    meant = known.path if known else meant_by(key, of_attribute=True)
    if meant:
        raise RoktMappingError(f"{short_name(path)}: write {meant}")


def _close_paths(path: str) -> Iterable[str]:
    name = path.rpartition(".")[2].lower()
    close = [_PATHS_BY_NAME[known] for known in get_close_matches(name, _PATHS_BY_NAME, n=2, cutoff=0.75)]
    return dict.fromkeys([*close, *get_close_matches(path, [field.path for field in FIELDS])])


def _suggestion(close: Iterable[str]) -> str:
    listed = ", ".join(close)
    return f" (close: {listed})" if listed else ""
