"""A delivery's options, the same for operators and hook, checked together before anything is read."""

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from airflow_provider_rokt.audiences.guards import MAX_REMOVED, check_audience_arguments
from airflow_provider_rokt.audiences.naming import FLAG, flag_problem
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.thresholds import check_threshold
from airflow_provider_rokt.limits import MEMBERS_PER_REQUEST, MOST_MEMBERS_PER_REQUEST

MAX_CONCURRENCY = 32


@dataclass(frozen=True, kw_only=True)
class DeliveryOptions:
    """What every delivery can be told.

    :param mapping: destination path to source, as the operators take it.
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected.
    :param concurrency: connections to Rokt, 1 to 32.
    :param fetch_size: rows read at a time.
    :param resend_from: a ``delivery_id``, or an operator's result; only what was rejected or failed there is sent.
    """

    mapping: Mapping[str, Any] | None = None
    environment: str = "production"
    timestamp_unit: str = "auto"
    phone_region: str = "US"
    max_rejected: int | float = 0
    concurrency: int = 4
    fetch_size: int = 5000
    resend_from: str | Mapping[str, Any] | None = None

    def check(self) -> None:
        """Raises one :class:`RoktSettingsError` that lists every argument out of range."""
        problems = list(self._problems())
        if problems:
            raise RoktSettingsError("the task's arguments", problems)

    def _problems(self) -> list[str]:
        problems = []
        if not _whole(self.concurrency) or not 1 <= self.concurrency <= MAX_CONCURRENCY:
            problems.append(f"concurrency must be a whole number from 1 to {MAX_CONCURRENCY}")
        if not _whole(self.fetch_size) or self.fetch_size < 1:
            problems.append("fetch_size must be a whole number of rows, 1 or more")
        if self.mapping is not None and not isinstance(self.mapping, Mapping):
            problems.append("mapping must be a dict of destination path to source")
        for check in (lambda: check_threshold("max_rejected", self.max_rejected), self.rules):
            try:
                check()
            except RoktSettingsError as error:
                problems.extend(error.problems)
        return problems

    def _not_bool(self, *names: str) -> list[str]:
        # A text would do as true, "false" included.
        return [f"{name} must be True or False" for name in names if not isinstance(getattr(self, name), bool)]

    def rules(self) -> Rules:
        """How values are read, from now on."""
        return Rules(
            now=time.time(),
            environment=self.environment,
            timestamp_unit=self.timestamp_unit,
            phone_region=self.phone_region,
        )

    def recorded(self) -> dict[str, Any]:
        """What the ledger may keep of them: no mapping, since literals in it are values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "mapping"}


@dataclass(frozen=True, kw_only=True)
class ConversionOptions(DeliveryOptions):
    """What a conversion delivery can be told besides.

    :param group_by_user: send a user's successive events of one read window as one batch.
    :param historical: send events older than 72 hours to ``/historical``.
    """

    group_by_user: bool = True
    historical: bool = False

    def _problems(self) -> list[str]:
        return [*super()._problems(), *self._not_bool("group_by_user", "historical")]


@dataclass(frozen=True, kw_only=True)
class AudienceOptions(DeliveryOptions):
    """What an audience delivery can be told besides.

    :param audience: the audience's name.
    :param mode: ``include``, ``exclude`` or ``mirror``.
    :param via: ``import`` (Custom Audience Import) or ``events`` (membership events).
    :param hash_emails: send addresses as their SHA-256; a mirror over events sends that besides where this is False.
    :param max_removed: the largest fraction of a mirrored audience that one run may remove.
    :param allow_empty: take a query without rows at its word.
    :param members_per_request: of an import.
    :param flag: name of the user attribute that membership events set, with ``{audience}`` in it; empty for none.
    """

    audience: str
    mode: str = "include"
    via: str = "import"
    hash_emails: bool = True
    max_removed: float = MAX_REMOVED
    allow_empty: bool = False
    members_per_request: int = MEMBERS_PER_REQUEST
    flag: str = FLAG

    def _problems(self) -> list[str]:
        problems = super()._problems()
        try:
            check_audience_arguments(self.audience, self.mode, self.via, self.max_removed)
        except RoktSettingsError as error:
            problems.extend(error.problems)
        if not _whole(self.members_per_request) or not 1 <= self.members_per_request <= MOST_MEMBERS_PER_REQUEST:
            problems.append(f"members_per_request must be a whole number from 1 to {MOST_MEMBERS_PER_REQUEST}")
        if problem := flag_problem(self.flag, self.audience):
            problems.append(f"flag {problem}")
        problems.extend(self._not_bool("hash_emails", "allow_empty"))
        if self.resend_from and self.mode == "mirror":
            problems.append("resend_from is not for mode='mirror': a mirror's next run repairs what is missing")
        return problems


_Options = TypeVar("_Options", bound=DeliveryOptions)


def options_from(kind: type[_Options], **given: Any) -> _Options:
    """Options by name; a name that is none is a :class:`RoktSettingsError` that says which is close."""
    known = [f.name for f in fields(kind)]
    problems = []
    for name in given.keys() - set(known):
        close = difflib.get_close_matches(name, known, n=1)
        problems.append(f"{name!r} is no option" + (f", did you mean {close[0]!r}?" if close else ""))
    if problems:
        raise RoktSettingsError("the call's options", sorted(problems))
    return kind(**given)


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
