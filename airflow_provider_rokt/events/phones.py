"""Phone numbers to the national number Rokt matches: no dashes, spaces or country code."""

import re
from functools import lru_cache
from typing import Any, Final

from airflow_provider_rokt.events.values import BadValue, Normaliser, text

# phonenumbers takes 23 µs a number and most rows are North American: ten digits, the first of them 2-9, in the
# usual spellings. Anything else goes to the library.
_NORTH_AMERICAN: Final = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([0-9]{3})[ .-]?([0-9]{4})")
_QUICK_REGIONS: Final = ("US", "CA")
# A column of floats cast to text.
_FLOAT: Final = re.compile(r"(\+?[0-9]{6,15})[.,]0{1,2}")
# The trunk prefix as many write it for people who call from inside and outside: +44 (0)20 7946 0958.
_BRACKETED_ZERO: Final = re.compile(r"[0-9]\D*[(（\[［]\s*0\s*[)）\]］]")
# Other countries' trunk prefixes: 8 in Russia and its neighbours, 01 in Mexico, 06 in Hungary.
_BRACKETED_PREFIX: Final = re.compile(r"[(（\[［]\s*(?:0[0-9]?|80?)\s*[)）\]］]")
# Ten keys pressed down name nobody, though India has assigned 9876543210. Ten keys up, other runs and numbers of zeros
# may be somebody's: 1234567890 in Austria, 90-1234-5678 in Japan, 10-2000-0000 in Korea.
_TEN_KEYS: Final = frozenset({"9876543210", "0987654321"})
_UP: Final = "01234567890123456789"
_DOWN: Final = _UP[::-1]
_NO_LINE: Final = "0" * 7
_ODD_TEN: Final = frozenset(run[start : start + 10] for run in (_UP, _DOWN) for start in range(10)) | {
    digit * 10 for digit in "0123456789"
}
_PLACEHOLDER: Final = "a placeholder, not a phone number"


def is_region(code: str) -> bool:
    """Whether `code` is a country, two capital letters, that phone numbers can be read for."""
    if code in _QUICK_REGIONS:
        return True
    # Imported where it is used: it takes 70 ms, which a DAG file that names no country should not pay.
    from phonenumbers import SUPPORTED_REGIONS

    return code in SUPPORTED_REGIONS


def phone(region: str) -> Normaliser:
    """A normaliser to the national significant number, like ``5551234567``.

    :param region: two-letter country code of numbers written without ``+`` and country code.
    """
    quick = region in _QUICK_REGIONS

    def national(value: object) -> str | None:
        written = text(value)
        if written is None:
            return None
        if quick and (match := _NORTH_AMERICAN.fullmatch(written)):
            number = "".join(match.groups())
            if number not in _ODD_TEN and not number.endswith(_NO_LINE):
                return number
        if whole := _FLOAT.fullmatch(written):
            return national(whole[1])
        return _national_number(written, region)

    return national


@lru_cache(maxsize=8192)
def _national_number(written: str, region: str) -> str:
    import phonenumbers
    from phonenumbers import ValidationResult

    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        raise BadValue(_no_number(written, region)) from None
    number = _without_trunk_zero(parsed, bracketed=_BRACKETED_ZERO.search(written) is not None)
    # Only the length is judged: 555 numbers, the guide's own example, are not assigned to anybody. Since some countries
    # have made their numbers longer, either reading may have it.
    readings = (number,) if number is parsed else (number, parsed)
    verdicts = {phonenumbers.is_possible_number_with_reason(reading) for reading in readings}
    if ValidationResult.IS_POSSIBLE not in verdicts:
        if ValidationResult.IS_POSSIBLE_LOCAL_ONLY in verdicts:
            # Somebody has it in every area, so it would match nobody.
            raise BadValue("a phone number without its area code")
        otherwise = _otherwise(written)
        if otherwise == written:
            raise BadValue(_no_number(written, region))
        return _national_number(otherwise, region)
    national = str(phonenumbers.national_significant_number(number))
    if _is_nobodys(national) or (_is_suspect(national) and not phonenumbers.is_valid_number(number)):
        raise BadValue(_PLACEHOLDER)
    return national


def _otherwise(written: str) -> str:
    """How else a number may be meant: with a plus for the 00 that most countries dial, without a trunk prefix."""
    return f"+{written[2:]}" if written.startswith("00") else _BRACKETED_PREFIX.sub(" ", written, count=1)


def _without_trunk_zero(parsed: Any, *, bracketed: bool) -> Any:
    """The number without a zero that is dialled inside its country only.

    The library takes a zero after the country code for a part of the number unless it knows it as that country's trunk
    prefix, and it does not for Chile, Poland or Greece, which once had one. It is a part of the number in Italy, San
    Marino, Gabon, Ivory Coast and Congo; there the number is assigned with its zero and not without.
    """
    import phonenumbers

    if not parsed.italian_leading_zero:
        return parsed
    without = phonenumbers.PhoneNumber(parsed.country_code, parsed.national_number, extension=parsed.extension)
    with_it_valid, valid = phonenumbers.is_valid_number(parsed), phonenumbers.is_valid_number(without)
    if bracketed:
        return without if valid or not with_it_valid else parsed
    return without if valid and not with_it_valid else parsed


def _is_nobodys(national: str) -> bool:
    """Whether it is what people type who give no number: strangers would share its hash."""
    return not national.strip(national[0]) or national in _TEN_KEYS


def _is_suspect(national: str) -> bool:
    return national.endswith(_NO_LINE) or national in _UP or national in _DOWN


def _no_number(written: str, region: str) -> str:
    # After a plus, which may be a full-width one, the number names its country itself.
    return "not a phone number" if "+" in written or "＋" in written else f"not a phone number for region {region}"
