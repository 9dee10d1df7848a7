"""Who orders in the shop: made-up people with the gaps and the untidiness of real tables."""

import re
import unicodedata
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.names import FIRST_NAMES, LAST_NAMES
from benchmarks.places import AREA_CODES, COUNTRIES, Country, Place

# A `#` is any digit; browsers differ in build numbers far more than in kind.
_PHONES: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_# like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.# "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_#_# like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.# "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_# like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "CriOS/13#.0.6###.## Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_# like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/48#.0.0.##.10#;FBBV/6########;FBDV/iPhone1#,#;FBMD/iPhone;FBSN/iOS;FBSV/17.#;FBSS/3;FBLC/en_US]",
    "Mozilla/5.0 (iPad; CPU OS 17_# like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.# "
    "Mobile/15E148 Safari/604.1",
)
_OTHERS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12#.0.6###.1## "
    "Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.0.0 Safari/537.36 "
    "Edg/13#.0.2###.##",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:13#.0) Gecko/20100101 Firefox/13#.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.# "
    "Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.6###.## "
    "Safari/537.36",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:13#.0) Gecko/20100101 Firefox/13#.0",
    "Mozilla/5.0 (Linux; Android 1#; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S9##U) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.6###.## Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-A5##U) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/2#.0 "
    "Chrome/11#.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel # Pro Build/UQ1A.24####.00#; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/13#.0.6###.## Mobile Safari/537.36 Instagram 3##.0.0.##.1## Android",
)
_MAILERS: Final = (
    *("@gmail.com",) * 9,
    *("@yahoo.com", "@yahoo.com", "@hotmail.com", "@hotmail.com", "@outlook.com", "@icloud.com", "@icloud.com"),
    *("@Gmail.com", "@GMAIL.COM", "@aol.com", "@comcast.net", "@me.com", "@example-works.co.uk", "@gmail.com "),
)
_DIGITS: Final = "0123456789"
# The letters all postal services use.
_LETTERS: Final = "ABCEGHJKLMNPRSTVXY"
_WEIGHTS: Final = [country.weight for country in COUNTRIES]
_NOWHERE: Final = Place("", None, "")


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody, as the shop's tables have them; with None or a blank for what they do not have.

    What must not be the same of two customers lacks its last two digits, which the query adds.
    """

    number: int
    mailbox: str | None
    mailer: str
    home: str
    agent: str | None
    advertising_id: str | None
    first: str | None
    last: str | None
    phone: str | None
    born: str | None
    place: Place
    postcode: str | None
    language: str
    currency: str


def customer(number: int, random: Random) -> Customer:
    """One more customer."""
    country = random.choices(COUNTRIES, _WEIGHTS)[0]
    place = random.choice(country.places)
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    is_named, has_iphone = _is(0.97, random), _is(0.45, random)
    return Customer(
        number=number,
        mailbox=_mailbox(first, last, number, random) if _is(0.98, random) else None,
        mailer=random.choice(_MAILERS),
        home=address(random),
        agent=_filled(random.choice(_PHONES if has_iphone else _OTHERS), random) if _is(0.97, random) else None,
        # A third of all, then.
        advertising_id=_guid(random) if has_iphone and _is(0.75, random) else None,
        first=first if is_named else None,
        last=last if is_named else None,
        phone=_phone(country, random) if _is(0.75, random) else None,
        born=_day(random) if _is(0.6, random) else None,
        place=place if _is(0.96, random) else _NOWHERE,
        postcode=_postcode(place, random) if _is(0.95, random) else None,
        language=random.choice(country.languages) if _is(0.9, random) else " ",
        currency=country.currency,
    )


def address(random: Random) -> str:
    """An IP address, every fifth of the newer kind, without its last two digits."""
    bits = random.getrandbits(48)
    if _is(0.2, random):
        return f"2600:1700:{bits & 0x7FFF | 0x1000:x}:{bits >> 16 & 0x7FFF | 0x1000:x}::1"
    return f"{24 + bits % 190}.{bits >> 8 & 255}.{bits >> 16 & 255}.1"


def _is(share: float, random: Random) -> bool:
    """True as often as that."""
    return random.random() < share


def _mailbox(first: str, last: str, number: int, random: Random) -> str:
    """The part of an e-mail address that is the customer's own choice."""
    given, family = _plain(first), _plain(last)
    spelled = random.choice((f"{given}.{family}", f"{given}{family}", f"{given[:1]}.{family}", f"{family}_{given}"))
    return f"{spelled if _is(0.2, random) else spelled.lower()}{number}"


def _plain(name: str) -> str:
    """The ASCII letters of a name."""
    return re.sub("[^A-Za-z]", "", unicodedata.normalize("NFKD", name)) or "x"


def _day(random: Random) -> str:
    return f"{random.randint(1940, 2007)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def _phone(country: Country, random: Random) -> str:
    # Some keep the number of the country they came from.
    spelled_as = random.choice(COUNTRIES) if _is(0.03, random) else country
    return _filled(random.choice(spelled_as.phones).format(random.choice(AREA_CODES)), random)


def _postcode(place: Place, random: Random) -> str:
    code = _filled(place.postcode, random)
    return f"{code} " if _is(0.05, random) else code


def _guid(random: Random) -> str:
    """In capitals, as iOS has it; two digits short."""
    digits = f"{random.getrandbits(120):030X}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _filled(pattern: str, random: Random) -> str:
    """A pattern with digits and letters in it."""
    return re.sub("[#@]", lambda sign: random.choice(_DIGITS if sign[0] == "#" else _LETTERS), pattern)
