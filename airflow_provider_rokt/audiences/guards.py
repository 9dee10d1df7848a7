"""What stops a run before anything is sent, and what it warns of."""

from collections.abc import Collection, Iterator, Mapping
from math import ceil
from typing import Final, Literal, get_args

from airflow_provider_rokt.audiences.address import EMAIL, OTHER
from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.naming import is_usual, name_problem
from airflow_provider_rokt.events.documents import MappingPlan
from airflow_provider_rokt.events.losses import planned_losses
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktMappingError
from airflow_provider_rokt.flow.checks import Check, choice, exceeds, fraction
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.limits import SMALLEST_AUDIENCE

MAX_REMOVED: Final = 0.3

# The identities of which what is remembered, the SHA-256 of the address, can be sent later to remove the person.
MIRRORED_IDENTITIES: Final = (EMAIL, OTHER)


# Why a mirror sends no addresses as they are, on either road.
RAW_MIRROR: Final = (
    "cannot go with mode='mirror': no address is remembered, so who left could be removed by the hash alone, and "
    "nothing that Rokt publishes says that this reaches who was added by the address. Leave it out, so that addresses "
    "go as their SHA-256 (ready hashes go as they are), or use mode='include' and mode='exclude'"
)

# What the rows are: members to add, members to remove, or the whole audience.
Mode = Literal["include", "exclude", "mirror"]
# The road: the Custom Audience Import, or membership events.
Via = Literal["import", "events"]

# What the arguments of an audience's task may be, by name.
CHECKS: Final[Mapping[str, Check]] = {
    "audience": name_problem,
    "mode": choice(get_args(Mode)),
    "via": choice(get_args(Via)),
    "max_removed": fraction,
}


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
        raise _empty(counts)
    # What was never confirmed is compared only where nothing else is known, as after a first run that failed.
    removed, before = (counts.leaving, counts.members) if counts.members else (counts.removed, counts.before)
    fraction = removed / before if before else 0.0
    if fraction > max_removed:
        raise RoktAudienceError.objecting(
            f"Would remove {removed} of {before} members ({_percent(fraction, max_removed)}), more than "
            f"max_removed={max_removed} allows",
            f"If the query is right, run it once with max_removed={ceil(fraction * 100) / 100}.",
        )


def check_unusable(unusable: int, rows_read: int, max_rejected: int | float) -> None:
    """Refuses to mirror rows that cannot be read: their people would be taken for gone, and removed.

    :param unusable: rows rejected so far.
    :param max_rejected: rows (int) or a fraction of the rows read (float).
    :raises RoktAudienceError: when there are more than that.
    """
    if exceeds(unusable, rows_read, max_rejected):
        raise RoktAudienceError.objecting(
            f"{unusable} of {rows_read} rows name nobody who can be mirrored, and max_rejected is {max_rejected}",
            "Correct these rows, or allow for them with max_rejected.",
            "Nothing was sent, since their people would count as gone.",
        )


def size_warning(counts: PlanCounts, mode: Mode) -> str | None:
    """What to warn of, if the audience is too small for Rokt to target.

    :param counts: of a mirror they tell the whole audience, of an include only what this run adds.
    """
    size = counts.added + counts.unchanged
    if mode == "exclude" or size >= SMALLEST_AUDIENCE:
        return None
    subject = "The audience has" if mode == "mirror" else "This run includes"
    return (
        f"{subject} {size} members. Rokt does not target audiences of fewer than {SMALLEST_AUDIENCE:,}; such a list "
        "can only suppress."
    )


def suspicions(audience: str, plan: MappingPlan | None) -> Iterator[Suspicion]:
    """What Rokt may do otherwise with an audience than whoever sends it thinks.

    :param plan: of its membership events; None for the import.
    """
    if not is_usual(audience):
        text = (
            f"The audience's name {audience!r} holds more than letters a to z, digits, _, - and blanks. What Rokt "
            "makes of that is not published: it may become another list's name, or none"
        )
        yield Suspicion("name", "", 0, text)
    if plan is not None:
        yield from planned_losses(plan)


def mixture_warning(addresses: int, hashes: int) -> str | None:
    """What to warn of, if a run's members go by two kinds of names.

    :param addresses: members who are sent by their address.
    :param hashes: those who are sent by its SHA-256 alone.
    """
    if not addresses or not hashes:
        return None
    return (
        f"{addresses:,} members go by their address and {hashes:,} by its SHA-256, as the rows give them. Nothing says "
        "that Rokt joins the two: exclude everybody by the name that included him, or send hashes alone "
        "(hash_emails=True)."
    )


def _percent(fraction: float, limit: float) -> str:
    """With as many digits as it takes to tell it from the limit: 3,001 of 10,000 are not 30.0 %."""
    texts = (f"{fraction:.{digits}%}" for digits in range(1, 17) if f"{fraction:.{digits}%}" != f"{limit:.{digits}%}")
    return next(texts, f"{fraction:%}")


def _empty(counts: PlanCounts) -> RoktAudienceError:
    effect = f" It would have removed all {counts.before} members." if counts.before else ""
    return RoktAudienceError.objecting(
        "The query returned no rows",
        "If nobody is meant to be in it, set allow_empty=True.",
        f"Nothing was sent.{effect}",
    )
