"""The connection as read: typed, complete and checked, with every problem reported at once."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, auto
from typing import Any, Final

from airflow_provider_rokt.api.addresses import check_base
from airflow_provider_rokt.connection.form import EXTRAS, ExtraField
from airflow_provider_rokt.exceptions import RoktSettingsError


class Surface(Enum):
    """What a connection is to be used for."""

    EVENTS = auto()
    AUDIENCE_IMPORT = auto()


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
    conn_id: str,
    *,
    login: str | None,
    password: str | None,
    host: str | None,
    extra: object,
    needs: Surface | None = None,
) -> RoktSettings:
    """Reads a connection's fields.

    :param extra: the connection's extra, a dict; null and blank text mean "unset", since the form saves them so.
    :param needs: the surface whose credentials have to be there; None where any will do.
    :raises RoktSettingsError: listing every malformed, unknown and missing setting.
    """
    problems: list[str] = []
    entered = _entered(extra, problems)
    values = {field.name: _read(field, entered.get(field.name), problems) for field in EXTRAS}
    if _text(host):
        problems.append("host is not used; put the address into the extra events_url or choose a pod")
    for name in ("events_url", "audience_url"):
        if values[name] is not None:
            problems.extend(check_base(values[name], name, bool(values["allow_any_host"])))
    settings = RoktSettings(conn_id=conn_id, login=_text(login), password=_text(password), **values)
    _raise(conn_id, [*problems, *(_missing(settings, needs) if needs else ())])
    return settings


def require(settings: RoktSettings, surface: Surface) -> None:
    """Raises unless the connection has a surface's credentials.

    The import wants a single key, or a pair with an account id.
    """
    _raise(settings.conn_id, _missing(settings, surface))


def _raise(conn_id: str, problems: list[str]) -> None:
    if problems:
        raise RoktSettingsError(f"connection {conn_id!r}", problems)


def _missing(settings: RoktSettings, surface: Surface) -> list[str]:
    if surface is Surface.EVENTS:
        wanted = {"login (the API key)": settings.login, "password (the API secret)": settings.password}
        return [f"{name} is missing" for name, value in wanted.items() if not value]
    if settings.audience_api_key:
        return []
    wanted = {
        "login (the rpub- key)": settings.login,
        "password (the rsec- secret)": settings.password,
        "the extra account_id": settings.account_id,
    }
    or_key = ", or enter an audience_api_key in the extra"
    return [f"{name} is missing{or_key}" for name, value in wanted.items() if not value]


def _entered(extra: object, problems: list[str]) -> Mapping[str, Any]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        problems.append('the extra must be a JSON object, like {"pod": "us1"}')
        return {}
    problems.extend(_unknown(extra))
    return extra


def _unknown(names: Iterable[str]) -> list[str]:
    """An extra that is ignored could be the one that names the region, so that credentials go to another."""
    known = [field.name for field in EXTRAS]
    problems = []
    for name in names:
        # Airflow's own: what older forms called their fields, and keys of its URIs.
        if name in known or name.startswith(("extra__", "__")):
            continue
        close = get_close_matches(name.strip().lower(), known, n=1)
        advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        problems.append(f"the extra {name!r} is unknown: {advice}")
    return problems


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
