"""Values of rows, masked: what kind of value it is can be seen, what it is cannot."""

import re
from collections.abc import Collection
from typing import Any, Final

from airflow_provider_rokt.events.destinations import FIXED
from airflow_provider_rokt.events.normalize import is_address

_MASK: Final = "***"
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_DIGITS: Final = re.compile(r"[0-9]{7,}").fullmatch
# Of a part this short even one letter tells too much.
_LEAST_PART: Final = 3
# The length of a shorter text may tell which of a few it is, like a gender or a name.
_LEAST_TEXT: Final = 24
_TOP_LEVEL: Final = re.compile(r"com|net|org|edu|gov|[a-z]{2}").fullmatch


def masked(value: Any, path: str = "", shown: Collection[str] = ()) -> Any:
    """A document without its values: names, the number of entries and kinds stay, and so does what no row can set.

    :param path: of the value, as the guide writes it.
    :param shown: the paths whose values are the user's own and not a row's, like a mapping's literals.
    """
    if path in FIXED or path in shown:
        return value
    if isinstance(value, dict):
        return {name: masked(member, f"{path}.{name}" if path else name, shown) for name, member in value.items()}
    if isinstance(value, list):
        return [masked(member, f"{path}[]", shown) for member in value]
    if isinstance(value, bool):
        return f"{_MASK} (true or false)"
    return _text(value) if isinstance(value, str) else f"{_MASK} (number)"


def _text(value: str) -> str:
    if not value.isascii():
        return _MASK
    if _HASH(value):
        return "sha256…"
    if _GUID(value):
        return f"{_MASK} (GUID)"
    if _DIGITS(value):
        return f"{_MASK} ({len(value)} digits)"
    if is_address(value):
        return _address(value)
    return f"{_MASK} ({len(value)} characters)" if len(value) >= _LEAST_TEXT else _MASK


def _address(value: str) -> str:
    """An address like ``j***@e***.com``: the first letters and a common ending."""
    local, _, domain = value.rpartition("@")
    name, *_, ending = domain.split(".")
    end = f".{ending}" if _TOP_LEVEL(ending) else f".{_MASK}"
    return f"{_part(local)}@{_part(name)}{end}"


def _part(part: str) -> str:
    return f"{part[0]}{_MASK}" if len(part) >= _LEAST_PART and part[0].isalpha() else _MASK
