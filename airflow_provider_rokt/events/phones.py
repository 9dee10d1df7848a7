"""Phone numbers to the national number Rokt matches: no dashes, spaces or country code."""

import re
from functools import lru_cache
from typing import Final

from airflow_provider_rokt.events.values import BadValue, Normaliser, text

# phonenumbers takes 23 µs a number and most rows are North American: ten digits, the first of them 2-9, in the
# usual spellings. Anything else goes to the library.
_NORTH_AMERICAN: Final = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([0-9]{3})[ .-]?([0-9]{4})")
_QUICK_REGIONS: Final = ("US", "CA")


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
            return "".join(match.groups())
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
    # Only the length is judged: 555 numbers, the guide's own example, are not assigned to anybody.
    verdict = phonenumbers.is_possible_number_with_reason(parsed)
    if verdict == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        # Somebody has it in every area, so it would match nobody.
        raise BadValue("a phone number without its area code")
    if verdict != ValidationResult.IS_POSSIBLE:
        raise BadValue(_no_number(written, region))
    return str(phonenumbers.national_significant_number(parsed))


def _no_number(written: str, region: str) -> str:
    # After a plus, which may be a full-width one, the number names its country itself.
    return "not a phone number" if "+" in written or "＋" in written else f"not a phone number for region {region}"
