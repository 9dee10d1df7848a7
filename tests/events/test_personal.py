import time
from datetime import date
from random import Random

import pytest
from hypothesis import assume, given, settings
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
        "jane%2540example.com",
        "jane%25252540example.com",
        "jane(at)example.com",
        "jane [AT] example.com",
        "jane&#64;example.com",
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
        "tel:5551234567",
        "sms:(555)1234567",
        "%252B15551234567",
        "00491511234567",
        "0049 151 1234567",
        "0049-151-1234567",
        "00 49 151 1234567",
        "11 91234-5678",
        "138-0013-8000",
        "0812-3456-7890",
        "8-495-123-45-67",
        "98765 43210",
        "612 34 56 78",
        # cards
        *CARDS,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111_1111_1111_1111",
        "3782 822463 10005",
        "order-4111111111111111",
        "20240101-4111111111111111",
        "12 4111111111111111",
        "４１１１１１１１１１１１１１１１",  # as a Japanese keyboard writes them
        # bank accounts
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "order_gb82west12345698765432",
        "NO9386011117947",
        # persons
        "811218-9876",
        "19811218-9876",
        "131052-308T",
        "131052A308T",
        "110561-4000",
        "110150 12360",
        "900101-1234568",
        "780123/3540",
        "12345678Z",
        "12345678-Z",
        "customer/x1234567l",
        "1234567T",
        "1234567FA",
        "S1234567D",
        "G1234567X",
        "12.345.678-5",
        "7.654.321-k",
        "11010519491231002X",
        "756.9217.0769.85",
        "79.02.02-123.45",
        "112-233-445 95",
        "12 345 678 901",
        "1234 5678 9012",
        "2341-2341-2346",
        "ABCDE1234F",
        "GOMC900514HDFRRN09",
        "185057800608436",
        "1-85-05-78-006-084-36",
        "123-456-789",
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
        "A1234567",
        "12345678-1",
        "ORDER1234A",
        # one digit or letter away from a number
        "811218-9877",
        "131052-308U",
        "110561-4001",
        "110150 12370",
        "900101-1234567",
        "780123/3541",
        "12345678A",
        "X1234567A",
        "1234567A",
        "S1234567E",
        "G1234567Y",
        "110105194912310021",
        "2341-2341-2347",
        "DE88370400440532013000",
        # as orders are numbered by their day
        "261017-2175",
        "240108-7684",
        "001-2024-000123",
        "03-68761-63504",
        "look at this",
        "100%",
    ],
)
def test_an_order_number_is_not(key: str) -> None:
    assert not is_personal(key)


@given(st.integers(0, 10**13 - 1))
def test_plain_digits_are_not_up_to_thirteen(number: int) -> None:
    assert not is_personal(str(number))


DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2029, 12, 31))
# As shops number their orders: # is a digit, @ a letter, * a hexadecimal digit.
FORMS = ["ORD-%Y-######", "SO-%Y-####", "%Y%m%d-####", "%Y-%m-%d-####", "%y%m%d-####", "%y%m%d####", "INV/%Y/#####"]
FORMS += ["@#######", "@@#########", "#", "#####", "##########", "ORD-######-@", "@@@-##-####", "S######-#", "#####/#"]
FORMS += ["wc_order_@@#@#@@#", "********-****-4***-8***-************", "1###-####", "shop_########_##", "%y-######"]
FORMS += ["gid://shopify/Order/#############", "00#-%Y-######", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%SZ", "R#########"]


@pytest.mark.parametrize("form", FORMS)
@given(day=DAYS, random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_an_order_number_of_any_usual_form_is_not(form: str, day: date, random: Random) -> None:
    signs = {"#": "0123456789", "@": "ABCDEFGHKLMNPQRSTUVWXYZ", "*": "0123456789abcdef"}
    assert not is_personal("".join(random.choice(signs.get(sign, sign)) for sign in day.strftime(form)))


@given(card=st.sampled_from(CARDS), place=st.integers(0, 12), digit=st.integers(1, 9))
def test_a_digit_that_is_wrong_makes_no_card(card: str, place: int, digit: int) -> None:
    wrong = card[:place] + str((int(card[place]) + digit) % 10) + card[place + 1 :]
    # Which is how an international phone number begins.
    assume(not wrong.startswith("00"))
    assert not is_personal(wrong)


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "+1", "(1", "0", "0-1", "a", "-", "@"[:0] or "é", "1-2-3-", "A1", "%25", "1 at ", "[at", "1."]
)
def test_time_grows_with_the_length_only(piece: str) -> None:
    begin = time.thread_time()
    is_personal(piece * (128 // len(piece)))
    assert time.thread_time() - begin < 0.5
