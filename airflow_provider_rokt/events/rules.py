"""How a delivery's values are read: the choices that hold for every row of it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal, get_args

from airflow_provider_rokt.events.phones import is_region
from airflow_provider_rokt.events.placeholders import PLACEHOLDERS
from airflow_provider_rokt.flow.checks import Check, choice

Environment = Literal["production", "development"]
TimestampUnit = Literal["auto", "s", "ms", "us", "ns"]
OnInvalid = Literal["drop", "reject"]


def _region(code: object) -> str | None:
    fits = isinstance(code, str) and is_region(code)
    return None if fits else "must be a country's two capital letters, like US or GB"


# What the fields of Rules may be, by name.
CHECKS: Final[Mapping[str, Check]] = {
    "environment": choice(get_args(Environment)),
    "timestamp_unit": choice(get_args(TimestampUnit)),
    "phone_region": _region,
    "on_invalid": lambda value: None if value is None else choice(get_args(OnInvalid))(value),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a user may choose about the reading of values, checked by :data:`CHECKS`, and the time it is.

    :param now: seconds since 1970; an event more than 24 hours after it is a fault.
    :param environment: ``production`` or ``development``; the guide wants ``production``, even for tests.
    :param timestamp_unit: what a plain number in a timestamp column counts: ``s``, ``ms``, ``us``, ``ns``, or ``auto``
        to tell by its size.
    :param on_invalid: what an invalid value of an optional field costs: ``drop`` the field, ``reject`` the row, None as
        the table of fields says.
    :param phone_region: two-letter country code of phone numbers written without ``+`` and country code.
    :param placeholders: what stands where an id is missing, in lower case; such a value is no identity.
    """

    now: float
    environment: Environment = "production"
    timestamp_unit: TimestampUnit = "auto"
    phone_region: str = "US"
    on_invalid: OnInvalid | None = None
    placeholders: AbstractSet[str] = PLACEHOLDERS
