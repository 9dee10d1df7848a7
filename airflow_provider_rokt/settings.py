"""The connection as read: typed, complete and checked, with every problem reported at once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_rokt.connection_form import EXTRAS, ExtraField
from airflow_provider_rokt.delivery.endpoints import check_base
from airflow_provider_rokt.exceptions import RoktSettingsError


@dataclass(frozen=True, repr=False)
class RoktSettings:
    """A ``rokt`` connection, checked.

    :param events_url: base address of the Events API without ``/v2``; ``None`` for the pod's own.
    :param audience_url: base address of the audience import without ``/v3``; ``None`` for Rokt's own.
    :param batches_per_second: the account's limit.
    :param timeout_seconds: of one request.
    """

    conn_id: str
    login: str | None
    password: str | None
    pod: str
    events_url: str | None
    audience_url: str | None
    audience_api_key: str | None
    account_id: str | None
    batches_per_second: float
    timeout_seconds: float
    allow_any_host: bool

    def __repr__(self) -> str:
        return f"RoktSettings({self.conn_id!r})"

    @property
    def has_key_pair(self) -> bool:
        """Whether login and password are there."""
        return bool(self.login and self.password)

    @property
    def is_audience_pair(self) -> bool:
        """Whether login and password are an ``rpub-``/``rsec-`` pair, which the Events API does not know."""
        return self.has_key_pair and str(self.login).startswith("rpub-")


def read_settings(
    conn_id: str, *, login: str | None, password: str | None, host: str | None, extra: Mapping[str, Any]
) -> RoktSettings:
    """Reads a connection's fields.

    :param extra: the connection's extra; null and blank text mean "unset", since the form saves them so.
    :raises RoktSettingsError: listing every malformed setting.
    """
    problems: list[str] = []
    values = {field.name: _read(field, extra.get(field.name), problems) for field in EXTRAS}
    if _text(host):
        problems.append("host is not used; put the address into the extra events_url or choose a pod")
    for name in ("events_url", "audience_url"):
        if values[name] is not None:
            problems.extend(check_base(values[name], name, bool(values["allow_any_host"])))
    if problems:
        raise RoktSettingsError(f"connection {conn_id!r}", problems)
    return RoktSettings(conn_id=conn_id, login=_text(login), password=_text(password), **values)


def require_events(settings: RoktSettings) -> None:
    """Raises unless the connection can send events."""
    _require(
        settings,
        [
            None if settings.login else "login (the API key) is missing",
            None if settings.password else "password (the API secret) is missing",
        ],
    )


def require_audience(settings: RoktSettings) -> None:
    """Raises unless the connection can import audiences: a single key, or a pair with an account id."""
    if settings.audience_api_key:
        return
    or_key = ", or enter an audience_api_key in the extra"
    _require(
        settings,
        [
            None if settings.login else f"login (the rpub- key) is missing{or_key}",
            None if settings.password else f"password (the rsec- secret) is missing{or_key}",
            None if settings.account_id else f"the extra account_id is missing{or_key}",
        ],
    )


def _require(settings: RoktSettings, checks: list[str | None]) -> None:
    if problems := [problem for problem in checks if problem]:
        raise RoktSettingsError(f"connection {settings.conn_id!r}", problems)


def _read(field: ExtraField, raw: object, problems: list[str]) -> Any:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return field.default
    try:
        value = _READERS[field.kind](raw)
    except (TypeError, ValueError):
        problems.append(f"the extra {field.name} must be {_WANTED[field.kind]}")
        return field.default
    if field.choices and value not in field.choices:
        problems.append(f"the extra {field.name} must be one of {', '.join(field.choices)}")
    return value


def _text(raw: object) -> str | None:
    return str(raw).strip() or None if raw is not None else None


def _string(raw: object) -> str | None:
    if isinstance(raw, (dict, list, bool)):
        raise TypeError
    return _text(raw)


def _positive(raw: Any) -> float:
    number = float(raw)
    if isinstance(raw, bool) or not math.isfinite(number) or number <= 0:
        raise ValueError
    return number


def _boolean(raw: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    word = str(raw).strip().lower()
    if word not in words:
        raise ValueError
    return words[word]


_READERS: Final[dict[str, Callable[[Any], Any]]] = {"string": _string, "number": _positive, "boolean": _boolean}
_WANTED: Final = {"string": "text", "number": "a number above 0", "boolean": "true or false"}
