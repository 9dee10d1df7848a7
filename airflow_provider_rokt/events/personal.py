"""Ids that tell who somebody is: addresses, and numbers of phones, payment cards and persons.

Plain digits are left alone unless they make a payment card's number: nobody can tell a phone number of ten digits from
an order number, and shops have the latter far more often. So a phone number is known by its plus sign, its brackets or
its groups, and a person's by the marks or letters that it is written with.
"""

import re
from typing import Final
from unicodedata import normalize

# Nearly all ids are such.
_PLAIN: Final = re.compile(r"[A-Za-z_-]*[0-9]{0,13}").fullmatch
# An address may have come through a web form.
_ADDRESS_SIGN: Final = re.compile("@|%40").search
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
# Between groups of digits; what precedes a number of so many digits, and what follows it.
_MARK: Final = r"[ .\-/\u2010-\u2015]"
_BEFORE: Final = rf"(?<!\d)(?<!\d{_MARK})"
_AFTER: Final = rf"(?!{_MARK}?\d)"
# Numbers of phones: +453 3331 9991, (555) 123-4567, 555-123-4567, 020 7946 0958, but not 03-2024-0012. Then of persons
# in the US, Brazil and France.
_NUMBER: Final = re.compile(
    "|".join(
        (
            rf"(?:\+|%2B)\d(?:[()]|{_MARK})*\d(?:(?:[()]|{_MARK})*\d){{5,13}}(?!\d)",
            rf"\(\d{{2,5}}\){_MARK}?\d(?:{_MARK}?\d){{4,10}}(?!\d)",
            rf"{_BEFORE}(?:1{_MARK})?\d{{3}}{_MARK}\d{{3}}{_MARK}\d{{4}}{_AFTER}",
            rf"{_BEFORE}(?!0\d{_MARK}(?:19|20)\d\d)(?=\d+{_MARK})0[1-9](?:{_MARK}?\d){{7,9}}{_AFTER}",
            rf"{_BEFORE}\d{{3}}[ -]\d{{2}}[ -]\d{{4}}{_AFTER}",
            rf"{_BEFORE}\d{{3}}\.\d{{3}}\.\d{{3}}-\d{{2}}{_AFTER}",
            rf"{_BEFORE}[12] \d{{2}} \d{{2}} \d[\dAB] \d{{3}} \d{{3}}(?: \d{{2}})?{_AFTER}",
        )
    ),
    re.IGNORECASE,
).search
# Persons' numbers in the UK and Italy.
_LETTERED: Final = re.compile(
    r"(?<![^\W_])(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]"
    r"|[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])(?![^\W_])",
    re.IGNORECASE,
).search
# What every other number that counts has: so most ids need no further look.
_GROUPED: Final = re.compile(rf"[+(]|%2B|\d{_MARK}\d|\d{{14}}", re.IGNORECASE).search
# Found at every digit that begins a group, since a card's number may follow another one.
_MANY_DIGITS: Final = re.compile(rf"(?<!\d)(?=((?:\d{_MARK}?){{13,18}}\d)(?!\d))").findall
# The networks' first digits, with the lengths that they have: one of ten numbers of theirs is no card's by chance.
_NETWORK: Final = re.compile(
    r"3(?:0[0-5]|[689]\d)\d{11}|3[47]\d{13}|(?:4\d|5[0-8]|6\d|35|2[2-7])\d{14,17}", re.ASCII
).fullmatch


def is_personal(key: str) -> bool:
    """Whether an id holds what tells who somebody is, so that it may not be told itself."""
    if _PLAIN(key):
        return False
    text = _UUID.sub(" ", key if key.isascii() else normalize("NFKC", key))
    if _ADDRESS_SIGN(text) or _LETTERED(text):
        return True
    return _GROUPED(text) is not None and (_NUMBER(text) is not None or any(map(_is_card, _MANY_DIGITS(text))))


def _is_card(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return bool(_NETWORK(digits)) and _luhn(digits)


def _luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(number - 9 * (number > 9) for number in doubled)) % 10 == 0
