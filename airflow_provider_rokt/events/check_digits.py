"""Check digits of the numbers that banks and states give: what tells them from an order's number of the same shape."""

from collections.abc import Sequence
from typing import Final

_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_IRISH: Final = "WABCDEFGHIJKLMNOPQRSTUV"
_ROMAN_ONES: Final = "10X98765432"
# The dihedral group of ten, and the permutation that Verhoeff found: Aadhaar's.
_FLIPPED: Final = 5
_PERMUTED: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def luhn(digits: str) -> bool:
    """Of payment cards, and of persons in Sweden and Canada."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(number - 9 * (number > 9) for number in doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Of bank accounts (ISO 13616)."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def spanish(text: str) -> bool:
    """Of persons in Spain, citizens and foreigners."""
    digits = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI[int(digits) % 23] == text[-1]


def finnish(text: str) -> bool:
    """Of persons in Finland; what stands for the century does not count."""
    return _HETU[int(text[:6] + text[-4:-1]) % 31] == text[-1]


def irish(text: str) -> bool:
    """Of persons in Ireland, whose number may have a second letter."""
    second = ord(text[8]) - 64 if len(text) > 8 else 0
    return _IRISH[(_weighed(text[:7], range(8, 1, -1)) + 9 * second) % 23] == text[7]


def singaporean(text: str) -> bool:
    """Of persons in Singapore."""
    remainder = (_weighed(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + 4 * (text[0] in "TG")) % 11
    return ("JZIHGFEDCBA" if text[0] in "ST" else "XWUTRQPNMLK")[remainder] == text[8]


def chinese(text: str) -> bool:
    """Of persons in China."""
    return _ROMAN_ONES[_weighed(text[:17], [2**power % 11 for power in range(17, 0, -1)]) % 11] == text[17]


def danish(digits: str) -> bool:
    """Of persons in Denmark who were born before 2007."""
    return _weighed(digits, (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def norwegian(digits: str) -> bool:
    """Of persons in Norway."""
    return _weighed(digits[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0


def korean(digits: str) -> bool:
    """Of persons in Korea whose number is from before 2020."""
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    return (11 - _weighed(digits[:12], weights) % 11) % 10 == int(digits[12])


def czech(digits: str) -> bool:
    """Of persons in the Czech Republic and Slovakia since 1954."""
    return int(digits[:9]) % 11 % 10 == int(digits[9])


def verhoeff(digits: str) -> bool:
    """Of persons in India."""
    checked = 0
    for place, digit in enumerate(reversed(digits)):
        permuted = int(digit)
        for _ in range(place % 8):
            permuted = _PERMUTED[permuted]
        checked = _multiplied(checked, permuted)
    return checked == 0


def _multiplied(one: int, other: int) -> int:
    turned = (one % _FLIPPED + (other if one < _FLIPPED else -other)) % _FLIPPED
    return turned + _FLIPPED * ((one < _FLIPPED) != (other < _FLIPPED))


def _weighed(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
