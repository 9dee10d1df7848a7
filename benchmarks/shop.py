"""The rows that are sent: the guide's example widened to 20 mapped columns, in SQLite."""

import sqlite3
import time
from pathlib import Path

# Kept small on disk and multiplied by the query, so that a million rows need no gigabyte.
STORED = 10_000
# Addresses, customers and orders are made different in every copy.
QUERY = """
    SELECT copies.n || '-' || message_id AS message_id, at, kind, copies.n || '-' || confirmation AS confirmation,
        amount, currency, copies.n || '.' || email AS email, copies.n || '-' || customer AS customer,
        copies.n || '-' || click AS click, ip, agent, first, last, phone, phone AS phone_again, dob, city, state, zip,
        language
    FROM copies CROSS JOIN orders LIMIT ?
"""
COLUMNS = [
    *("message_id", "at", "kind", "confirmation", "amount", "currency", "email", "customer", "click", "ip", "agent"),
    *("first", "last", "phone", "phone_again", "dob", "city", "state", "zip", "language"),
]
MAPPING = {
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
    "user_attributes.firstname": "first",
    "user_attributes.lastname": "last",
    "user_attributes.mobile": "phone",
    "user_attributes.mobilesha256": "phone_again",
    "user_attributes.dob": "dob",
    "user_attributes.city": "city",
    "user_attributes.state": "state",
    "user_attributes.zip": "zip",
    "user_attributes.language": "language",
}
_STORED = (
    "message_id TEXT, at INTEGER, kind TEXT, confirmation TEXT, amount TEXT, currency TEXT, email TEXT, "
    "customer TEXT, click TEXT, ip TEXT, agent TEXT, first TEXT, last TEXT, phone TEXT, dob TEXT, city TEXT, "
    "state TEXT, zip TEXT, language TEXT"
)
_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
    "Mobile/15E148 Safari/604.1"
)


def build(path: Path, events_per_user: int) -> None:
    """Makes the database; a user's orders follow each other."""
    now = int(time.time())
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE copies (n INTEGER)")
        database.executemany("INSERT INTO copies VALUES (?)", [(n,) for n in range(1, 1001)])
        database.execute(f"CREATE TABLE orders ({_STORED})")
        rows = [_order(number, number // events_per_user, now) for number in range(STORED)]
        database.executemany(f"INSERT INTO orders VALUES ({', '.join('?' * len(rows[0]))})", rows)
    database.close()


def _order(number: int, user: int, now: int) -> tuple[object, ...]:
    """One row; as in any shop, some values are missing, blank or not quite clean."""
    return (
        f"order_{number:06}",
        (now - number) * 1000,
        "purchase",
        f"ORD-{number:06}",
        f"{number % 900 + 20}.99",
        "USD",
        f"Jane.Smith{user}@Example.com ",
        f"cust_{user:06}",
        f"rokt-click-id-from-url-param-{user:06}",
        f"203.0.{user // 250 % 250}.{user % 250}",
        _AGENT,
        "Jane",
        "Smith",
        f"+1 (555) 234-{user:04}" if user % 10 != 5 else None,
        "1984-07-21" if user % 10 != 7 else "",
        "New York" if user % 10 != 3 else None,
        "NY",
        "10001 ",
        "en-US" if user % 10 else " ",
    )
