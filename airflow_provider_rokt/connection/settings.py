"""The connection as read: typed, complete and checked, with every problem reported at once."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.connection.form import EXTRAS, ExtraField
from airflow_provider_rokt.exceptions import RoktSettingsError, short_name
from airflow_provider_rokt.flow.request import Surface


@dataclass(frozen=True, repr=False)
class RoktSettings:
    """A ``rokt`` connection, checked.

    :param addresses: where each surface listens.
    :param address_settings: the setting that each surface's address comes from.
    :param credentials: as entered, whichever are there.
    :param account_id: of the v3 audience import.
    :param audience_success: members of an import's answer that mean success; None where nothing is said.
    :param batches_per_second: the account's limit.
    :param timeout_seconds: of one attempt, its whole answer included.
    """

    conn_id: str
    addresses: Addresses
    address_settings: Mapping[Surface, str]
    credentials: Credentials
    account_id: str | None
    audience_success: Mapping[str, Any] | None
    batches_per_second: float
    timeout_seconds: float

    def __repr__(self) -> str:
        return f"RoktSettings({self.conn_id!r})"


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
    settings = RoktSettings(
        conn_id,
        _addresses(values, problems),
        {Surface.EVENTS: "events_url" if values["events_url"] else "pod", Surface.AUDIENCE_IMPORT: "audience_url"},
        Credentials(_text(login), _text(password), values["audience_api_key"]),
        values["account_id"],
        values["audience_success"],
        values["batches_per_second"],
        values["timeout_seconds"],
    )
    _raise(conn_id, [*problems, *(_missing(settings, needs) if needs else ())])
    return settings


def require(settings: RoktSettings, surface: Surface) -> None:
    """Makes sure that the connection has a surface's credentials.

    The import wants a single key, or a pair with an account id.

    :raises RoktSettingsError: when it has not.
    """
    _raise(settings.conn_id, _missing(settings, surface))


def _addresses(values: Mapping[str, Any], problems: list[str]) -> Addresses:
    names = ("pod", "events_url", "audience_url", "allow_any_host")
    try:
        return Addresses.of(**{name: values[name] for name in names})
    except RoktSettingsError as error:
        problems.extend(error.problems)
        return Addresses()


def _raise(conn_id: str, problems: list[str]) -> None:
    if problems:
        raise RoktSettingsError(f"connection {short_name(conn_id)!r}", problems)


def _missing(settings: RoktSettings, surface: Surface) -> list[str]:
    credentials = settings.credentials
    if surface is Surface.EVENTS:
        needed = {"login (the API key)": credentials.key, "password (the API secret)": credentials.secret}
        return [f"{name} is missing" for name, value in needed.items() if not value]
    if credentials.audience_api_key:
        return []
    needed = {
        "login (the rpub- key)": credentials.key,
        "password (the rsec- secret)": credentials.secret,
        "the extra account_id": settings.account_id,
    }
    or_key = ", or enter an audience_api_key in the extra"
    return [f"{name} is missing{or_key}" for name, value in needed.items() if not value]


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
        problems.append(f"the extra {short_name(name)!r} is unknown: {advice}")
    return problems


def _read(field: ExtraField, raw: object, problems: list[str]) -> Any:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return field.default
    try:
        value = _READERS[field.kind](raw)
    except (TypeError, ValueError):
        problems.append(f"the extra {field.name} must be {_EXPECTED[field.kind]}")
        return field.default
    if field.choices and value not in field.choices:
        problems.append(f"the extra {field.name} must be one of {', '.join(field.choices)}")
        return field.default
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


def _object(raw: Any) -> Mapping[str, Any]:
    value = json.loads(raw) if isinstance(raw, str) else raw
    if not (isinstance(value, Mapping) and value):
        raise ValueError
    return value


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "string": _string,
    "number": _positive,
    "boolean": _boolean,
    "object": _object,
}
_EXPECTED: Final = {
    "string": "text",
    "number": "a number above 0",
    "boolean": "true or false",
    "object": 'a JSON object with members, like {"success": true}',
}
