"""What a run can be told, the same for operators, hook and command line: checked as it is made, all at once."""

import difflib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal, TypedDict, TypeVar, get_args

from airflow_provider_rokt.audiences import guards, naming
from airflow_provider_rokt.audiences.columns import membership_problems
from airflow_provider_rokt.audiences.guards import MAX_REMOVED, Mode, Via
from airflow_provider_rokt.events import rules
from airflow_provider_rokt.events.destinations import CONVERSION
from airflow_provider_rokt.events.grouping import GroupByUser, grouping_problem
from airflow_provider_rokt.events.mapping import mapping_problems
from airflow_provider_rokt.events.rules import Environment, OnInvalid, Rules, TimestampUnit
from airflow_provider_rokt.exceptions import RoktSettingsError, short_name
from airflow_provider_rokt.flow.checks import Check, boolean, choice, fraction, problems_of, threshold, whole
from airflow_provider_rokt.flow.gate import OnGuard
from airflow_provider_rokt.flow.request import Surface
from airflow_provider_rokt.flow.warn_when import WarnWhen, warn_when_problem
from airflow_provider_rokt.limits import MEMBERS_PER_REQUEST, MOST_MEMBERS_PER_REQUEST

MAX_CONCURRENCY: Final = 32
REMEMBER_DAYS: Final = 90
MOST_DAYS: Final = 3_650
NAMES_NOTHING: Final = (
    "it names no delivery: give a delivery_id or the result of the operator that made it, or leave the argument out to "
    "send every row"
)
NAMES_NO_FIELD: Final = (
    "it renders to nothing: give a dict of destination path to source, or leave the argument out to send every column "
    "under its own name"
)
NAMES_NO_SYNC: Final = "send='new' remembers what was sent: outside of a task, name the sync that remembers it"
NAMES_NO_MEMORY: Final = "it renders to nothing: give the sync's name, or leave the argument out for the task's own"
# What must not be lost on its way here: nothing would mean everything, or another memory.
NARROWING: Final = {"resend_from": NAMES_NOTHING, "mapping": NAMES_NO_FIELD, "sync": NAMES_NO_MEMORY}


_SYNC_CHARS: Final = 250
Send = Literal["all", "new"]


def _sync(value: object) -> str | None:
    # What a template makes of nothing, which would be one sync for all tasks whose name is lost.
    fits = isinstance(value, str) and value.strip() not in ("", "None") and len(value) <= _SYNC_CHARS
    return None if fits or value is None else f"must be the sync's name, a text of 1 to {_SYNC_CHARS} characters"


def _mapping(value: object) -> str | None:
    fits = value is None or isinstance(value, Mapping)
    return None if fits else "must be a dict of destination path to source"


class DeliveryArguments(TypedDict, total=False):
    """The fields of :class:`DeliveryOptions` but the mapping, as keyword arguments."""

    environment: Environment
    timestamp_unit: TimestampUnit
    phone_region: str
    placeholders: Sequence[str] | None
    on_invalid: OnInvalid | None
    max_dropped: float
    max_rejected: int | float
    min_rows: int
    concurrency: int
    fetch_size: int
    resend_from: str | Mapping[str, Any] | None
    sync: str | None
    on_guard: OnGuard
    record_accepted: bool
    warn_when: WarnWhen | None


class ConversionArguments(DeliveryArguments, total=False):
    """The fields of :class:`ConversionOptions` but the mapping, as keyword arguments."""

    group_by_user: GroupByUser
    historical: bool
    send: Send
    remember_days: int


class AudienceArguments(DeliveryArguments, total=False):
    """The fields of :class:`AudienceOptions` but audience and mapping, as keyword arguments."""

    mode: Mode
    via: Via
    hash_emails: bool
    max_removed: float
    allow_empty: bool
    members_per_request: int
    flag: str


@dataclass(frozen=True, kw_only=True)
class DeliveryOptions:
    """What every delivery can be told.

    :param mapping: destination path to source, as the operators take it.
    :param placeholders: values that stand where an identity is missing; None for the list of events/placeholders.py.
    :param on_invalid: what an invalid value of an optional field costs: ``drop`` the field, ``reject`` the row, None as
        the table of fields says.
    :param max_dropped: the share of a field's values that may be invalid.
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected.
    :param min_rows: how many rows there have to be.
    :param concurrency: connections to Rokt, 1 to 32.
    :param fetch_size: rows read at a time.
    :param resend_from: a ``delivery_id``, or an operator's result; only what was rejected or failed there is sent.
    :param sync: the name of the sync; None for that of the task.
    :param on_guard: what follows when a guard stops the run before anything is sent: ``fail``, or ``ask`` a person;
        then every row is read before the first is sent.
    :param record_accepted: name the rows that Rokt took in the ledger, too.
    :param warn_when: what is told, by the sync's own history, as not being as usual.
    :raises RoktSettingsError: listing every argument out of range.
    """

    operation: ClassVar[str]
    same: ClassVar[str]
    checks: ClassVar[Mapping[str, Check]] = {
        "concurrency": whole(1, MAX_CONCURRENCY),
        "fetch_size": whole(1, of="rows"),
        "mapping": _mapping,
        "max_rejected": threshold,
        "max_dropped": fraction,
        "min_rows": whole(0, of="rows"),
        "sync": _sync,
        "on_guard": choice(get_args(OnGuard)),
        "record_accepted": boolean,
        "warn_when": warn_when_problem,
        **rules.CHECKS,
    }

    mapping: Mapping[str, Any] | None = None
    environment: Environment = "production"
    timestamp_unit: TimestampUnit = "auto"
    phone_region: str = "US"
    placeholders: Sequence[str] | None = None
    on_invalid: OnInvalid | None = None
    max_dropped: float = 0.2
    max_rejected: int | float = 0
    min_rows: int = 0
    concurrency: int = 4
    fetch_size: int = 5000
    resend_from: str | Mapping[str, Any] | None = None
    sync: str | None = None
    on_guard: OnGuard = "fail"
    record_accepted: bool = False
    warn_when: WarnWhen | None = None

    def __post_init__(self) -> None:
        if problems := self.problems({field.name: getattr(self, field.name) for field in fields(self)}):
            raise RoktSettingsError("the task's arguments", problems)

    @classmethod
    def problems(cls, given: Mapping[str, Any]) -> list[str]:
        """What is wrong with arguments, a sentence each; those that are absent are not judged."""
        return problems_of(cls.checks, given)

    @classmethod
    def early_problems(cls, given: Mapping[str, Any]) -> list[str]:
        """The same, and what is wrong with the mapping whatever the query's columns are."""
        problems = cls.problems(given)
        if isinstance(given.get("mapping"), Mapping):
            known = {
                name: given[name] for name in rules.CHECKS if name in given and not rules.CHECKS[name](given[name])
            }
            problems += cls._mapping_problems(given["mapping"], Rules(now=time.time(), **known))
        return problems

    @classmethod
    def _mapping_problems(cls, mapping: Mapping[str, Any], rules: Rules) -> list[str]:
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What is to be done, in words."""
        return self.operation

    @property
    def surface(self) -> Surface:
        """Which of Rokt's addresses it is done at."""
        return Surface.EVENTS

    def rules(self) -> Rules:
        """How values are read, from now on."""
        return Rules(
            now=time.time(),
            environment=self.environment,
            timestamp_unit=self.timestamp_unit,
            phone_region=self.phone_region,
            on_invalid=self.on_invalid,
            placeholders=self.placeholders,
        )

    @property
    def basis(self) -> dict[str, Any]:
        """What makes the plan besides the rows."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "on_guard"}

    def recorded(self) -> dict[str, Any]:
        """What the ledger may keep of them: no mapping, since literals in it are values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "mapping"}


@dataclass(frozen=True, kw_only=True)
class ConversionOptions(DeliveryOptions):
    """What a conversion delivery can be told besides.

    :param group_by_user: send a user's successive events as one batch: those of one read window, or with ``result``
        those of the whole result, which is read to its end first.
    :param historical: send events older than 72 hours to ``/historical``.
    :param send: ``all`` rows, or only those that are ``new``: whose id was not accepted yet in this sync.
    :param remember_days: for how many days a sync remembers which rows were accepted.
    """

    operation: ClassVar[str] = "conversions"
    same: ClassVar[str] = "it gives the same rows, by id and content"
    checks: ClassVar[Mapping[str, Check]] = {
        **DeliveryOptions.checks,
        "group_by_user": grouping_problem,
        "historical": boolean,
        "send": choice(get_args(Send)),
        "remember_days": whole(1, MOST_DAYS, of="days"),
    }

    group_by_user: GroupByUser = True
    historical: bool = False
    send: Send = "all"
    remember_days: int = REMEMBER_DAYS

    @classmethod
    def _mapping_problems(cls, mapping: Mapping[str, Any], rules: Rules) -> list[str]:
        return mapping_problems(mapping, rules, CONVERSION)


@dataclass(frozen=True, kw_only=True)
class AudienceOptions(DeliveryOptions):
    """What an audience delivery can be told besides.

    :param audience: the audience's name.
    :param mode: ``include``, ``exclude`` or ``mirror``.
    :param via: ``import`` (Custom Audience Import) or ``events`` (membership events).
    :param hash_emails: send addresses as their SHA-256; a mirror cannot do otherwise.
    :param max_removed: the largest fraction of a mirrored audience that one run may remove.
    :param allow_empty: take a query without rows at its word.
    :param members_per_request: of an import.
    :param flag: name of the user attribute that membership events set, with ``{audience}`` in it; empty for none.
    """

    operation: ClassVar[str] = "audience"
    same: ClassVar[str] = "the same people join and leave"
    checks: ClassVar[Mapping[str, Check]] = {
        **DeliveryOptions.checks,
        **guards.CHECKS,
        "members_per_request": whole(1, MOST_MEMBERS_PER_REQUEST),
        "hash_emails": boolean,
        "allow_empty": boolean,
    }

    audience: str
    mode: Mode = "include"
    via: Via = "import"
    hash_emails: bool = True
    max_removed: float = MAX_REMOVED
    allow_empty: bool = False
    members_per_request: int = MEMBERS_PER_REQUEST
    flag: str = naming.FLAG

    @property
    def title(self) -> str:
        """What is to be done, in words."""
        return f"{self.mode} of audience {self.audience!r}"

    @property
    def surface(self) -> Surface:
        """Which of Rokt's addresses it is done at."""
        return Surface.AUDIENCE_IMPORT if self.via == "import" else Surface.EVENTS

    @classmethod
    def problems(cls, given: Mapping[str, Any]) -> list[str]:
        """What is wrong with arguments, alone and together; those that are absent are not judged."""
        problems = super().problems(given)
        if "flag" in given and (problem := naming.flag_problem(given["flag"], given.get("audience"))):
            problems.append(f"flag {problem}")
        if given.get("resend_from") and given.get("mode") == "mirror":
            problems.append("resend_from is not for mode='mirror': a mirror's next run repairs what is missing")
        if {"mode": "mirror", "hash_emails": False}.items() <= given.items():
            problems.append(f"hash_emails=False {guards.RAW_MIRROR}")
        return problems

    @classmethod
    def _mapping_problems(cls, mapping: Mapping[str, Any], rules: Rules) -> list[str]:
        return membership_problems(mapping, rules)


_Options = TypeVar("_Options", bound=DeliveryOptions)


def options_from(kind: type[_Options], **given: Any) -> _Options:
    """Options by name.

    :raises RoktSettingsError: for a name that is none, which says which is close, and for a value out of range. A
        ``resend_from`` that is given and None is most likely another task's missing result.
    """
    known = [field.name for field in fields(kind)]
    problems = []
    for name in given.keys() - set(known):
        close = difflib.get_close_matches(name, known, n=1)
        problems.append(f"{short_name(name)!r} is no option" + (f", did you mean {close[0]!r}?" if close else ""))
    if problems:
        raise RoktSettingsError("the call's options", sorted(problems))
    if given.get("resend_from", "") is None:
        raise RoktSettingsError("argument 'resend_from'", [NAMES_NOTHING])
    return kind(**given)
