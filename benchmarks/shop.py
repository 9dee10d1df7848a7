"""The rows that are sent: the guide's example widened to 20 columns, in SQLite.

Customers differ in all that real ones differ in, so that no cache and no short cut helps more here than it would
anywhere else.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.customers import Customer, address, customer

# Enough that a speed trial meets each row once; a million rows are copies, told apart by two digits. Joined to what
# is stored without them they cost the query next to nothing.
STORED: Final = 60_000
QUERY: Final = """
    SELECT message_id || tail AS message_id, at, kind, confirmation || tail AS confirmation, amount, currency,
        mailbox || tail || mailer AS email, customer || tail AS customer, click || tail AS click, ip || tail AS ip,
        agent, advertising_id || tail AS advertising_id, first, last, coalesce(phone || tail, '') AS phone, dob, city,
        state, zip, language
    FROM copies CROSS JOIN orders LIMIT ?
"""
COLUMNS: Final = [
    *("message_id", "at", "kind", "confirmation", "amount", "currency", "email", "customer", "click", "ip", "agent"),
    *("advertising_id", "first", "last", "phone", "dob", "city", "state", "zip", "language"),
]
MAPPING: Final = {
    "events[].data.source_message_id": "message_id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": "kind",
    "events[].data.custom_attributes.confirmationref": "confirmation",
    "events[].data.custom_attributes.amount": "amount",
    "events[].data.custom_attributes.currency": "currency",
    "user_identities.email": "email",
    "user_identities.customerid": "customer",
    "user_identities.other2": "click",
    "ip": "ip",
    "device_info.http_header_user_agent": "agent",
    "device_info.ios_advertising_id": "advertising_id",
    "user_attributes.firstname": "first",
    "user_attributes.lastname": "last",
    "user_attributes.mobile": "phone",
    "user_attributes.mobilesha256": "phone",
    "user_attributes.dob": "dob",
    "user_attributes.city": "city",
    "user_attributes.state": "state",
    "user_attributes.zip": "zip",
    "user_attributes.language": "language",
}
_STORED: Final = (
    "message_id, at, kind, confirmation, amount, currency, mailbox, mailer, customer, click, ip, agent, "
    "advertising_id, first, last, phone, dob, city, state, zip, language"
)
# Two digits for each copy.
_TAILS: Final = range(10, 100)
# Roughly what a shop sells within two days; nothing is older than the 72 hours that Rokt attributes.
_APART: Final = timedelta(seconds=2.5)
_YEN_A_DOLLAR: Final = 150

# One at a shop: who comes, and how many orders they leave.
Visits = Iterator[tuple[Customer, int]]


def build(path: Path, shop: str, seed: int = 1277, now: float | None = None) -> None:
    """Makes the database; the same seed and time give the same rows.

    :param shop: one of :data:`SHOPS`.
    """
    opened = datetime.fromtimestamp(int(now or time.time()), UTC) - _APART * STORED
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE copies (tail TEXT)")
        database.executemany("INSERT INTO copies VALUES (?)", [(str(tail),) for tail in _TAILS])
        database.execute(f"CREATE TABLE orders ({_STORED})")
        places = ", ".join("?" * len(_STORED.split(", ")))
        database.executemany(f"INSERT INTO orders VALUES ({places})", _orders(shop, Random(seed), opened))
    database.close()


def _visits_of(orders: int, random: Random) -> Visits:
    """Everybody comes once, and leaves so many orders."""
    for number in range(STORED // orders):
        yield customer(number, random), orders


def _long_tail(random: Random) -> Visits:
    """Seven in ten come once, a few come often: how often follows Zipf's law."""
    visits: list[Customer] = []
    for number in count():
        if len(visits) >= STORED:
            break
        visits += [customer(number, random)] * min(int(random.paretovariate(1.8)), 100)
    random.shuffle(visits)
    return ((buyer, 1) for buyer in visits[:STORED])


SHOPS: Final[Mapping[str, Callable[[Random], Visits]]] = {
    "1 event per user": partial(_visits_of, 1),
    "3 events per user": partial(_visits_of, 3),
    "a long tail of repeat customers": _long_tail,
}


def _orders(shop: str, random: Random, opened: datetime) -> Iterator[tuple[object, ...]]:
    number = 0
    for buyer, orders in SHOPS[shop](random):
        click = f"{random.getrandbits(120):030x}" if random.random() < 0.6 else None
        # Some come back from elsewhere; of some orders no address was kept.
        ip = random.choices((buyer.home, address(random), None), (60, 36, 4))[0]
        for _ in range(orders):
            yield _order(number, opened + _APART * number, buyer, click, ip, random)
            number += 1


def _order(
    number: int, at: datetime, buyer: Customer, click: str | None, ip: str | None, random: Random
) -> tuple[object, ...]:
    """One row of the table, in the order of its columns."""
    kind = random.choices(("purchase", "subscription", "signup"), (90, 7, 3))[0]
    paid = kind != "signup"
    return (
        f"order_{number:06}",
        f"{at + timedelta(milliseconds=random.randrange(2500)):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        kind,
        f"ORD-{number:06}" if paid else None,
        _amount(buyer.currency, random) if paid else None,
        buyer.currency if paid else None,
        buyer.mailbox,
        buyer.mailer,
        f"cust_{buyer.number:06}",
        click,
        ip,
        buyer.agent,
        buyer.advertising_id,
        buyer.first,
        buyer.last,
        buyer.phone,
        buyer.born,
        buyer.place.city,
        buyer.place.state,
        buyer.postcode,
        buyer.language,
    )


def _amount(currency: str, random: Random) -> str:
    dollars = random.lognormvariate(4, 0.8)
    return f"{dollars * _YEN_A_DOLLAR:.0f}" if currency == "JPY" else f"{dollars:.2f}"
