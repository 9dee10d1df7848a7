"""Ids that tell who somebody is: addresses, and numbers of phones, payment cards, bank accounts and persons.

Plain digits are left alone unless they make a payment card's number or a long national one: nobody can tell a phone
number of ten digits from an order number, and shops have the latter far more often. So a phone number is known by its
plus sign, its brackets or its groups, and a person's by the marks or letters that it is written with. Where an order's
number may have the same form the check digits decide.
"""

import re
from collections.abc import Callable
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from airflow_provider_rokt.events import check_digits

# Nearly all ids are such; an account number in Norway has the shape too.
_PLAIN: Final = re.compile(r"(?!NO\d{13})[A-Za-z_-]*[0-9]{0,13}").fullmatch
# An id may have come through a web form, and through several.
_MOST_ESCAPES: Final = 5
_ADDRESS_SIGN: Final = re.compile(
    r"@|&(?:#0*64|#x0*40|commat);|\w *[(\[{<] *at *[)\]}>] *\w|\b(?:tel|sms|callto|phone|mobile|whatsapp):[ +(]*\d",
    re.IGNORECASE,
).search
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
# Between groups of digits; what precedes a number of so many digits, and what follows it.
_MARK: Final = r"[ .\-/_\u2010-\u2015]"
_BEFORE: Final = rf"(?<!\d)(?<!\d{_MARK})"
_AFTER: Final = rf"(?!{_MARK}?\d)"
_YEAR: Final = r"(?:19|20)\d\d"
# Numbers of phones: +453 3331 9991, 0049 151 1234567, (555) 123-4567, 555-123-4567, 020 7946 0958, but not
# 03-2024-0012; 8-495-123-45-67, 138-0013-8000, 11 91234-5678, 0812-3456-7890, 98765 43210, 612 34 56 78.
_PHONES: Final = (
    rf"\+\d(?:[()]|{_MARK})*\d(?:(?:[()]|{_MARK})*\d){{5,13}}(?!\d)",
    r"(?<!\w)00[1-9]\d{11,12}(?!\w)",
    rf"{_BEFORE}(?!00\d{{1,2}}{_MARK}{_YEAR})(?=00{_MARK}|\d{{3,5}}{_MARK})00{_MARK}?[1-9](?:{_MARK}?\d){{8,12}}{_AFTER}",
    rf"\(\d{{2,5}}\){_MARK}?\d(?:{_MARK}?\d){{4,10}}(?!\d)",
    rf"{_BEFORE}(?:1{_MARK})?\d{{3}}{_MARK}\d{{3}}{_MARK}\d{{4}}{_AFTER}",
    rf"{_BEFORE}(?!0\d{_MARK}{_YEAR})(?=\d+{_MARK})0[1-9](?:[ .\-/\u2010-\u2015]?\d){{7,9}}{_AFTER}",
    rf"{_BEFORE}08\d\d{_MARK}\d{{4}}{_MARK}\d{{4,5}}{_AFTER}",
    rf"{_BEFORE}[78]{_MARK}\d{{3}}{_MARK}\d{{3}}{_MARK}?\d\d{_MARK}?\d\d{_AFTER}",
    rf"{_BEFORE}1[3-9]\d{_MARK}\d{{4}}{_MARK}\d{{4}}{_AFTER}",
    rf"{_BEFORE}[1-9]\d{_MARK}9\d{{4}}{_MARK}\d{{4}}{_AFTER}",
    rf"{_BEFORE}[6-9]\d{{4}} \d{{5}}{_AFTER}",
    rf"{_BEFORE}[67]\d\d(?: \d\d){{3}}{_AFTER}",
)
# Of persons in the US, Canada (as a phone's in Poland), Brazil, Chile, Belgium, Switzerland, Russia, Germany, India and
# France.
_PERSONS: Final = (
    rf"{_BEFORE}\d{{3}}[ _-]\d{{2}}[ _-]\d{{4}}{_AFTER}",
    rf"{_BEFORE}\d{{3}}([ ._-])\d{{3}}\1\d{{3}}{_AFTER}",
    rf"{_BEFORE}\d{{3}}\.\d{{3}}\.\d{{3}}-\d{{2}}{_AFTER}",
    rf"{_BEFORE}\d{{1,2}}\.\d{{3}}\.\d{{3}}-[\dk](?!\w)",
    rf"{_BEFORE}\d\d\.\d\d\.\d\d[-.]\d{{3}}[-.]\d\d{_AFTER}",
    rf"{_BEFORE}756[ .]\d{{4}}[ .]\d{{4}}[ .]\d\d{_AFTER}",
    rf"{_BEFORE}\d{{3}}-\d{{3}}-\d{{3}}[ -]\d\d{_AFTER}",
    rf"{_BEFORE}\d\d(?: \d{{3}}){{3}}{_AFTER}",
    rf"{_BEFORE}\d{{4}} \d{{4}} \d{{4}}{_AFTER}",
    rf"{_BEFORE}[12]{_MARK}\d\d{_MARK}\d\d{_MARK}\d[\dAB]{_MARK}\d{{3}}{_MARK}\d{{3}}(?:{_MARK}\d\d)?{_AFTER}",
    r"(?<!\w)[12]\d\d(?:0[1-9]|1[0-2])(?:\d\d|2[AB])\d{8}(?!\w)",
)
_NUMBER: Final = re.compile("|".join((*_PHONES, *_PERSONS)), re.IGNORECASE).search
# Persons' numbers in the UK, Italy, Mexico and India, which begin and end where a word does.
_WORD: Final = r"(?<![^\W_])(?:{})(?![^\W_])"
_LETTERED: Final = re.compile(
    _WORD.format(
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]|[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"
        r"|[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d|(?-i:(?!ORDER|SALES)[A-Z]{5}\d{4}[A-Z])"
    ),
    re.IGNORECASE,
).search
# What every other number that counts has: so most ids need no further look.
_GROUPED: Final = re.compile(rf"[+(]|\d{_MARK}\d|\d{{14}}").search
# Found at every digit that begins a group, since a card's number may follow another one.
_MANY_DIGITS: Final = re.compile(rf"(?<!\d)(?=((?:\d{_MARK}?){{13,18}}\d)(?!\d))").findall
# The networks' first digits, with the lengths that they have: one of ten numbers of theirs is no card's by chance.
_NETWORK: Final = re.compile(
    r"3(?:0[0-5]|[689]\d)\d{11}|3[47]\d{13}|(?:4\d|5[0-8]|6\d|35|2[2-7])\d{14,17}", re.ASCII
).fullmatch
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
# Who was born in the twenties of either century buys little, and orders' numbers begin with such years.
_BORN: Final = r"[013-9]\d"
_DAY_MONTH: Final = rf"(?!2\d{_MONTH}{_DAY}){_DAY}{_MONTH}"
# What may be a number with check digits, and what tells it. Of bank accounts; then of persons in Spain, Ireland,
# Singapore, Finland, Sweden, Denmark, Norway, Korea, the Czech Republic, China and India.
_CHECKED: Final[tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...]] = tuple(
    (re.compile(_WORD.format(form)), check)
    for form, check in (
        (r"[A-Z]{2}\d\d(?:[ \-_]?[A-Z\d]{4}){2,7}(?:[ \-_]?[A-Z\d]{1,4})?", check_digits.iban),
        (r"(?:\d{8}|[XYZ][ -]?\d{7})[ -]?[A-Z]", check_digits.spanish),
        (r"\d{7}[A-W][A-IW]?", check_digits.irish),
        (r"[STFG]\d{7}[A-Z]", check_digits.singaporean),
        (rf"{_DAY_MONTH}\d\d[-+A-FU-Y]\d{{3}}[\dA-FHJ-NPR-Y]", check_digits.finnish),
        (rf"(?:19\d\d|20[01]\d|{_BORN}){_MONTH}{_DAY}[-+]\d{{4}}", lambda text: check_digits.luhn(text[-10:])),
        (rf"{_DAY_MONTH}{_BORN}[ -]\d{{4}}", check_digits.danish),
        (rf"{_DAY_MONTH}{_BORN}[ -]\d{{5}}", check_digits.norwegian),
        (rf"{_BORN}{_MONTH}{_DAY}-[1-8]\d{{6}}", check_digits.korean),
        (rf"\d\d(?:[0257][1-9]|[1368][0-2]){_DAY}/\d{{4}}", check_digits.czech),
        (rf"\d{{6}}(?:19|20)\d\d{_MONTH}{_DAY}\d{{3}}[\dX]", check_digits.chinese),
        (r"[2-9]\d{3}[._-]\d{4}[._-]\d{4}", check_digits.verhoeff),
    )
)
_CHECKABLE: Final = re.compile(r"\d{6}|\d{4}[._-]\d{4}|[A-Z]{2}\d\d").search


def is_personal(key: str) -> bool:
    """Whether an id holds what tells who somebody is, so that it may not be told itself."""
    if _PLAIN(key):
        return False
    text = _UUID.sub(" ", _read(key))
    if _ADDRESS_SIGN(text) or _LETTERED(text):
        return True
    if _GROUPED(text) and (_NUMBER(text) or any(map(_is_card, _MANY_DIGITS(text)))):
        return True
    upper = text.upper()
    return _CHECKABLE(upper) is not None and any(
        check(re.sub(r"[\W_]", "", found)) for form, check in _CHECKED for found in form.findall(upper)
    )


def _read(key: str) -> str:
    """An id as it was before it came through forms."""
    text = key if key.isascii() else normalize("NFKC", key)
    for _ in range(_MOST_ESCAPES):
        if "%" not in text:
            break
        text = unquote(text)
    return text


def _is_card(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return bool(_NETWORK(digits)) and check_digits.luhn(digits)
