import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.events.personal import is_personal

CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"]
CARDS += ["30569309025904", "2223003122003222", "6304000000000000", "4000000000000000006"]


@pytest.mark.parametrize(
    "key",
    [
        "jane@example.com",
        "order%201_jane%40example.com",
        "jane＠example.com",
        "jane﹫example.com",
        # phones
        "+453 3331 9991",
        "+15551234567",
        "%2B15551234567",
        "＋15551234567",
        "+44 (0)20 7946 0958",
        "+56 (0)2 635 4444",
        "tel:+4915112345678",
        "(555) 123-4567",
        "(555)1234567",
        "(020) 7946 0958",
        "555-123-4567",
        "555.123.4567",
        "555 123 4567",
        "1-555-123-4567",
        "555‑123‑4567",  # hyphens that do not break
        "020 7946 0958",
        "06 12 34 56 78",
        "0171/1234567",
        "order 06-12345678",
        # cards
        *CARDS,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "order-4111111111111111",
        "20240101-4111111111111111",
        "12 4111111111111111",
        "４１１１１１１１１１１１１１１１",  # as a Japanese keyboard writes them
        # persons
        "123-45-6789",
        "123 45 6789",
        "AB123456C",
        "ab 12 34 56 c",
        "customer:AB123456C",
        "123.456.789-09",
        "RSSMRA85T10A562S",
        "1 85 05 78 006 084 36",
    ],
)
def test_what_tells_who_somebody_is_is_personal(key: str) -> None:
    assert is_personal(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "17",
        "100004512",
        "5551234567",
        "15551234567",
        "1234567890123",
        "143349558619",
        "143349558619761320",
        "820982911946154508",
        "4111111111111112",  # no card's check digit
        "1234567812345670",  # no network's first digits
        "41111111111111111111111",
        "SO-2024-000123",
        "2024-000123",
        "2024-11-28",
        "2024-11-28-0001",
        "20241128-0001",
        "03-2024-0012",
        "01/2024/00012",
        "402-1234567-1234567",
        "order_789012",
        "ORD-789012/3",
        "#1001",
        "gid://shopify/Order/450789469",
        "gid://shopify/Order/5213479862314",
        "2026-11-24T06:05:32+00:00",
        "2026-11-24 06:05:32+0000",
        "row-17 of 20",
        "AB1234567",
        "XAB123456C",
        "AB123456CX",
        "a1b2c3d4e5f6",
        "3f9c1a2b-0000-4000-8000-000000000000",
        "123e4567-e89b-12d3-a456-426614174000",
        "41111111-1111-4111-8111-111111111111",
        "gid://x/123e4567-e89b-12d3-a456-426614174000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "$1.234,00",
    ],
)
def test_an_order_number_is_not(key: str) -> None:
    assert not is_personal(key)


@given(st.integers(0, 10**13 - 1))
def test_plain_digits_are_not_up_to_thirteen(number: int) -> None:
    assert not is_personal(str(number))


@given(card=st.sampled_from(CARDS), place=st.integers(0, 12), digit=st.integers(1, 9))
def test_a_digit_that_is_wrong_makes_no_card(card: str, place: int, digit: int) -> None:
    wrong = str((int(card[place]) + digit) % 10)
    assert not is_personal(card[:place] + wrong + card[place + 1 :])


@pytest.mark.parametrize("piece", ["1", "1 ", "+1", "(1", "0", "0-1", "a", "-", "@"[:0] or "é", "1-2-3-"])
def test_time_grows_with_the_length_only(piece: str) -> None:
    begin = time.thread_time()
    is_personal(piece * (128 // len(piece)))
    assert time.thread_time() - begin < 0.5
