"""What stops a run before anything is sent, and what it warns of."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from math import ceil
from typing import Final

from airflow_provider_rokt.audiences.address import EMAIL, OTHER
from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.naming import name_problem
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktMappingError, RoktSettingsError
from airflow_provider_rokt.flow.thresholds import exceeds
from airflow_provider_rokt.limits import SMALLEST_AUDIENCE

MAX_REMOVED: Final = 0.3

# The identities of which what is remembered, the SHA-256 of the address, can be sent later to remove the person.
MIRRORED_IDENTITIES: Final = (EMAIL, OTHER)


class Mode(StrEnum):
    """What the rows are: members to add, members to remove, or the whole audience."""

    INCLUDE = "include"
    EXCLUDE = "exclude"
    MIRROR = "mirror"


class Via(StrEnum):
    """The road: the Custom Audience Import, or membership events."""

    IMPORT = "import"
    EVENTS = "events"


def check_audience_arguments(audience: object, mode: object, via: object, max_removed: object) -> None:
    """Checks what needs no row.

    :raises RoktSettingsError: naming every argument that is wrong and what it should be.
    """
    problems = [
        *_audience_problems(audience),
        *_choice_problems("mode", mode, Mode),
        *_choice_problems("via", via, Via),
        *_fraction_problems("max_removed", max_removed),
    ]
    if problems:
        raise RoktSettingsError("The audience task", problems)


def check_mirrored_identities(paths: Collection[str]) -> None:
    """Checks that a mirror can later exclude whom it includes.

    :param paths: the identities that the mapping fills.
    :raises RoktMappingError: when one of them could not be sent from what is remembered.
    """
    others = sorted(set(paths) - set(MIRRORED_IDENTITIES))
    if others:
        raise RoktMappingError(
            f"mode='mirror' cannot use {', '.join(others)}: only a digest of each member is remembered, and "
            "someone who left can be excluded by the SHA-256 of an e-mail address alone. Map user_identities.email "
            "or user_identities.other, or use mode='include' and mode='exclude'."
        )


def check_plan(
    counts: PlanCounts, *, rows_read: int, max_removed: float = MAX_REMOVED, allow_empty: bool = False
) -> None:
    """Refuses a run that looks like a broken query.

    :param rows_read: rows the query returned, unusable ones included.
    :param max_removed: the largest fraction of the remembered audience that may be removed; exactly that much may.
    :param allow_empty: an empty result means that nobody is meant; a mirror then removes everyone, and
        ``max_removed`` does not speak against it. A result without a usable row is not an empty one.
    :raises RoktAudienceError: when the run must not start.
    """
    if rows_read == 0:
        if allow_empty:
            return
        raise RoktAudienceError(_empty_text(counts))
    # What was never confirmed is compared only where nothing else is known, as after a first run that failed.
    removed, before = (counts.leaving, counts.members) if counts.members else (counts.removed, counts.before)
    fraction = removed / before if before else 0.0
    if fraction > max_removed:
        raise RoktAudienceError(
            f"The run would remove {removed} of {before} members ({_percent(fraction, max_removed)}), more than "
            f"max_removed={max_removed} allows; nothing was sent. If the query is right, run it once with "
            f"max_removed={ceil(fraction * 100) / 100}."
        )


def check_unusable(unusable: int, rows_read: int, max_rejected: int | float) -> None:
    """Refuses to mirror rows that cannot be read: their people would be taken for gone, and removed.

    :param unusable: rows rejected so far.
    :param max_rejected: rows (int) or a fraction of the rows read (float).
    :raises RoktAudienceError: when there are more than that.
    """
    if exceeds(unusable, rows_read, max_rejected):
        raise RoktAudienceError(
            f"{unusable} of {rows_read} rows name nobody who can be mirrored, and max_rejected is {max_rejected}; "
            "nothing was sent, since their people would count as gone. Correct these rows, or allow for them with "
            "max_rejected."
        )


def size_warning(counts: PlanCounts, mode: Mode) -> str | None:
    """What to warn of, if the audience is too small for Rokt to target.

    :param counts: of a mirror they tell the whole audience, of an include only what this run adds.
    """
    size = counts.added + counts.unchanged
    if mode is Mode.EXCLUDE or size >= SMALLEST_AUDIENCE:
        return None
    subject = "The audience has" if mode is Mode.MIRROR else "This run includes"
    return (
        f"{subject} {size} members. Rokt does not target audiences of fewer than {SMALLEST_AUDIENCE:,}; such a list "
        "can only suppress."
    )


def _percent(fraction: float, limit: float) -> str:
    """With as many digits as it takes to tell it from the limit: 3,001 of 10,000 are not 30.0 %."""
    texts = (f"{fraction:.{digits}%}" for digits in range(1, 17) if f"{fraction:.{digits}%}" != f"{limit:.{digits}%}")
    return next(texts, f"{fraction:%}")


def _empty_text(counts: PlanCounts) -> str:
    effect = f" It would remove all {counts.before} members." if counts.before else ""
    return (
        f"The query returned no rows; nothing was sent.{effect} If nobody is meant to be in it, set allow_empty=True."
    )


def _audience_problems(audience: object) -> Sequence[str]:
    problem = name_problem(audience)
    return (f"audience {problem}",) if problem else ()


def _choice_problems(name: str, value: object, choices: type[StrEnum]) -> Sequence[str]:
    if value in list(choices):
        return ()
    return (f"{name} must be one of {', '.join(repr(str(choice)) for choice in choices)}",)


def _fraction_problems(name: str, value: object) -> Sequence[str]:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return ()
    return (f"{name} must be a fraction from 0 to 1",)
