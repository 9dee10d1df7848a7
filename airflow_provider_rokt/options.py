"""A delivery's options, the same for operators and hook, checked together before anything is read."""

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from airflow_provider_rokt.delivery.report import check_threshold
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktSettingsError

MAX_CONCURRENCY = 32


@dataclass(frozen=True, kw_only=True)
class DeliveryOptions:
    """What every delivery can be told.

    :param mapping: destination path to source, as the operators take it.
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected.
    :param concurrency: connections to Rokt, 1 to 32.
    :param fetch_size: rows read at a time.
    :param resend_from: a ``delivery_id``; only what was rejected or failed there is sent.
    """

    mapping: Mapping[str, Any] | None = None
    environment: str = "production"
    timestamp_unit: str = "auto"
    phone_region: str = "US"
    max_rejected: int | float = 0
    concurrency: int = 4
    fetch_size: int = 5000
    resend_from: str | None = None

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

    :param group_by_user: send a user's events of one read window as one batch.
    :param historical: send events older than 72 hours to ``/historical``.
    """

    group_by_user: bool = True
    historical: bool = False


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
