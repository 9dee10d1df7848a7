"""A mapping guessed from a query's columns: where somebody begins who has none yet."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.events.aliases import meant_by
from airflow_provider_rokt.events.destinations import CONVERSION, MEMBERSHIP, Profile, automatic
from airflow_provider_rokt.events.fields import FIELDS, Need
from airflow_provider_rokt.exceptions import RoktMappingError

_DATA: Final = "events[].data."
_CUSTOM: Final = f"{_DATA}custom_attributes."
_ID, _TIME, _REFERENCE = f"{_DATA}source_message_id", f"{_DATA}timestamp_unixtime_ms", f"{_CUSTOM}confirmationref"
_TYPE, _AMOUNT, _CURRENCY = f"{_CUSTOM}conversiontype", f"{_CUSTOM}amount", f"{_CUSTOM}currency"
# What shops call Rokt's fields, beyond the names that Rokt itself has for them. A guess that is read before it is sent.
_SHOPS_SAY: Final[Mapping[str, Iterable[str]]] = {
    _ID: ("orderid", "ordernumber", "orderno", "transactionid", "eventid", "conversionid", "invoiceid"),
    _TIME: ("orderedat", "orderdate", "purchasedat", "purchasedate", "createdat", "transactiondate", "invoicedate"),
    _REFERENCE: ("confirmation", "confirmationnumber", "orderreference", "orderref", "ordernumber"),
    _AMOUNT: ("total", "ordertotal", "totalprice", "grandtotal", "revenue", "orderamount", "ordervalue"),
    _CURRENCY: ("currencycode", "ordercurrency"),
    "user_identities.email": ("mail", "customeremail", "useremail", "contactemail"),
    "user_identities.customerid": ("userid", "memberid", "clientid", "customernumber"),
    "user_attributes.zip": ("zipcode", "postcode", "postalcode"),
    "user_attributes.state": ("province",),
    "user_attributes.dob": ("birthdate", "dateofbirth", "birthday"),
    "ip": ("ipaddress", "clientip"),
}
# What is written out where no column has it: most shops send one kind of conversion, in one currency.
_WRITTEN_OUT: Final = {_TYPE: "purchase", _CURRENCY: "USD"}
_ADDRESSES: Final = ("user_identities.email", "user_identities.other")
_fold: Final = re.compile(r"[^a-z0-9]").sub


class Proposal(NamedTuple):
    """What a mapping could be.

    :param mapping: destination path to source, in the order of the table of fields.
    :param missing: what a row must have and no column seems to be.
    :param unmapped: the columns that nothing is made of.
    """

    mapping: dict[str, Any]
    missing: list[str]
    unmapped: list[str]


def proposal(columns: Sequence[str], *, of_audience: bool) -> Proposal:
    """Guesses a mapping from the names of a query's columns.

    :param of_audience: whether the rows are members, who are e-mail addresses or their hashes, and not conversions.
    """
    found = _guessed(columns, MEMBERSHIP if of_audience else CONVERSION)
    if of_audience:
        found = {path: found[path] for path in _ADDRESSES if path in found}
        missing = [] if found else [" or ".join(_ADDRESSES)]
    else:
        # The guide recommends the order's number as reference, which is what most shops have as an id.
        found |= {_REFERENCE: found[_ID]} if _ID in found and _REFERENCE not in found else {}
        missing = _missing(found)
    sources: dict[str, Any] = {path: found[path] for path in (field.path for field in FIELDS) if path in found}
    if not of_audience:
        sources |= {path: {"literal": text} for path, text in _WRITTEN_OUT.items() if _is_wanted(path, found)}
    return Proposal(sources, missing, [column for column in columns if column not in found.values()])


def _guessed(columns: Sequence[str], profile: Profile) -> dict[str, str]:
    """Path -> the column for it; a column named as Rokt names the field goes before one that is named alike."""
    found: dict[str, str] = {}
    for guess in (_named, _named_alike, _named_as_shops_do):
        for column in columns:
            for path in guess(column, profile) if column not in found.values() else ():
                if path not in found and column not in found.values():
                    found[path] = column
    return found


def _named(column: str, profile: Profile) -> Iterable[str]:
    try:
        return [automatic(column, profile).path]
    except RoktMappingError:
        return []


def _named_alike(column: str, profile: Profile) -> Iterable[str]:
    meant = meant_by(column, of_attribute=False)
    return [*_named(_fold("", column.lower()), profile), *([meant] if meant else [])]


def _named_as_shops_do(column: str, profile: Profile) -> Iterable[str]:
    folded = _fold("", column.lower())
    return [path for path, names in _SHOPS_SAY.items() if folded in names]


def _is_wanted(path: str, found: Mapping[str, str]) -> bool:
    """Whether something written out has to stand in for a column; an amount alone wants a currency."""
    return path not in found and (path != _CURRENCY or _AMOUNT in found)


def _missing(found: Mapping[str, str]) -> list[str]:
    required = [field.path for field in FIELDS if field.need is Need.REQUIRED]
    missing = [path for path in required if path not in found and path not in _WRITTEN_OUT]
    identities = [field.path for field in FIELDS if field.need is Need.IDENTITY]
    return missing if any(path in found for path in identities) else ["user_identities.email", *missing]
