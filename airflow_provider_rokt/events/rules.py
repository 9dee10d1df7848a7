"""How a delivery's values are read: the choices that hold for every row of it."""

from dataclasses import dataclass
from typing import Final

from airflow_provider_rokt.events.phones import is_region
from airflow_provider_rokt.exceptions import RoktSettingsError

ENVIRONMENTS: Final = ("production", "development")
TIMESTAMP_UNITS: Final = ("auto", "s", "ms", "us", "ns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a user may choose about the reading of values, and the time it is.

    :param now: seconds since 1970; an event more than 24 hours after it is a fault.
    :param environment: ``production`` or ``development``; the guide wants ``production``, even for tests.
    :param timestamp_unit: what a plain number in a timestamp column counts: ``s``, ``ms``, ``us``, ``ns``, or ``auto``
        to tell by its size.
    :param phone_region: two-letter country code of phone numbers written without ``+`` and country code.
    :raises RoktSettingsError: if one of them is none of these; all problems are listed.
    """

    now: float
    environment: str = "production"
    timestamp_unit: str = "auto"
    phone_region: str = "US"

    def __post_init__(self) -> None:
        problems = []
        if self.environment not in ENVIRONMENTS:
            problems.append(f"environment {self.environment!r}: use one of {', '.join(ENVIRONMENTS)}")
        if self.timestamp_unit not in TIMESTAMP_UNITS:
            problems.append(f"timestamp_unit {self.timestamp_unit!r}: use one of {', '.join(TIMESTAMP_UNITS)}")
        if not is_region(self.phone_region):
            problems.append(f"phone_region {self.phone_region!r}: use a country's two capital letters, like US or GB")
        if problems:
            raise RoktSettingsError("the arguments", problems)
