"""A small shop in SQLite for the examples: repeat customers, untidy data, and a few rows that cannot be right."""

import random
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_NAMES = ("Ada Lovelace", "José Álvarez", "Zoë Kravitz", "Jane Smith", "Bob O'Neil", "李 小龍", "Anna-Lena Groß")
_CITIES = (
    ("New York", "NY", "10001"),
    ("Austin", "TX", "73301"),
    ("Seattle", "WA", "98101"),
    ("Chicago", "IL", "60601"),
)
_REGIONS = ("north", "east", "south", "west")

_COLUMNS = (
    "order_id, ordered_at, email, customer_id, rokt_click_id, total, currency, confirmation, "
    "first_name, last_name, phone, city, state, zip, ip, region"
)


def write_shop(
    path: Path,
    orders: int = 4000,
    customers: int = 1200,
    seed: int = 7,
    until: datetime | None = None,
    span: timedelta = timedelta(days=14),
) -> dict[str, str]:
    """Writes the table ``orders`` and returns the rows spoiled on purpose: order id -> what is wrong with it.

    The orders spread evenly over the `span` before `until`, which is now if not given. Times are UTC. A spoiled row
    keeps its day and hour, so whoever selects a day or an hour gets its spoiled rows too.
    """
    chance = random.Random(seed)
    people = [_customer(number, chance) for number in range(customers)]
    start = (until or datetime.now(UTC)) - span
    rows = [_order(number, chance.choice(people), start + span * number / orders, chance) for number in range(orders)]
    spoiled = _spoil(rows)
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as shop:
        shop.execute(f"CREATE TABLE orders ({_COLUMNS})")
        marks = ", ".join("?" * len(_COLUMNS.split(", ")))
        shop.executemany(f"INSERT INTO orders VALUES ({marks})", [tuple(row.values()) for row in rows])
    return spoiled


def _customer(number: int, chance: random.Random) -> dict[str, Any]:
    first, last = chance.choice(_NAMES).split(" ", 1)
    city, state, zipcode = chance.choice(_CITIES)
    return {
        "email": chance.choice(("{}", " {} ", "{}")).format(f"Shopper{number}@Example.com"),
        "customer_id": f"cust_{number}",
        "first_name": first,
        "last_name": last,
        "phone": f"+1 ({chance.randint(201, 989)}) 555-{number % 10000:04d}",
        "city": city,
        "state": state,
        "zip": zipcode,
        "region": chance.choice(_REGIONS),
    }


def _order(number: int, person: dict[str, Any], when: datetime, chance: random.Random) -> dict[str, Any]:
    return {
        "order_id": f"order_{number:06d}",
        "ordered_at": when.strftime("%Y-%m-%d %H:%M:%S"),
        "email": person["email"],
        "customer_id": person["customer_id"],
        "rokt_click_id": f"click-{number}" if chance.random() < 0.2 else None,
        "total": f"{chance.randint(500, 25000) / 100:.2f}",
        "currency": chance.choice(("USD", "usd", "EUR", None)),
        "confirmation": f"ORD-{number:06d}",
        "first_name": person["first_name"],
        "last_name": person["last_name"],
        "phone": person["phone"],
        "city": person["city"],
        "state": person["state"],
        "zip": person["zip"],
        "ip": f"203.0.113.{chance.randint(1, 254)}" if chance.random() < 0.1 else None,
        "region": person["region"],
    }


def _spoil(rows: list[dict[str, Any]]) -> dict[str, str]:
    faults: dict[str, dict[str, Any]] = {
        "nobody can be identified": {"email": " ", "customer_id": None, "rokt_click_id": None},
        "an amount with a thousands separator": {"total": "1,234.50"},
        "a minute that does not exist": {"ordered_at": lambda time: f"{time[:14]}75:00"},
        "a city of 5,000 letters": {"city": "x" * 5000},
        "no such currency": {"currency": "DOLLARS"},
        "an impossible IP address": {"ip": "999.1.2.3"},
        "an e-mail without an @": {"email": "shopper.example.com"},
        "a phone that is none": {"phone": "call me"},
    }
    spoiled = {}
    for place, (fault, change) in enumerate(faults.items(), start=1):
        row = rows[place * len(rows) // (len(faults) + 1)]
        for column, value in change.items():
            row[column] = value(row[column]) if callable(value) else value
        spoiled[row["order_id"]] = fault
    return spoiled
