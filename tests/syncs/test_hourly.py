"""Two hundred hours of an hourly sync: each row arrives, and not more than an hour after it could.

It arrives once, but for what nobody could be certain of: a retry was told that it was taken, under an id that the try
before may have used up. Such rows are not remembered, so they go again, and Rokt drops them by their own ids.
"""

import random
import threading
from collections import Counter
from dataclasses import dataclass

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.bounded import PATIENCE
from tests.operators.test_conversions import orders
from tests.syncs.tries import in_try, send

HOURS = 200
WINDOW = 72
# Whose tasks have no retries left, so that the next hour's run makes it good.
FAILS = "fails"
# Whose first tries fail.
FAILS_AT_FIRST = "fails at first"
KILLED = "killed"


class Killed(BaseException):
    """As abrupt as an exception can be: nothing ends its delivery."""


@dataclass
class Order:
    """One row.

    :param created: in which hour.
    :param seen: from which hour on the database has it.
    :param right: from which hour on it is as it should be.
    :param changes: in which hour somebody changes it, when it was sent long ago.
    """

    number: int
    created: int
    seen: int
    right: int
    changes: int

    @property
    def ready(self) -> int:
        return max(self.seen, self.right)

    def row(self, hour: int) -> dict[str, object]:
        (row,) = orders(1)
        amount = "much" if hour < self.right else "8.88" if hour >= self.changes else "9.99"
        return row | {
            "source_message_id": f"order-{self.number}",
            "email": f"p{self.number}@example.com",
            "amount": amount,
        }


def history(chance: random.Random) -> list[Order]:
    """What the shop sells: some of it comes late, some of it is wrong at first."""
    sold = []
    for hour in range(HOURS):
        for _ in range(chance.randint(0, 8)):
            seen = hour + (chance.randint(1, WINDOW - 4) if chance.random() < 0.1 else 0)
            is_wrong = chance.random() < 0.02
            right = min(seen + chance.randint(1, 8), hour + WINDOW - 3) if is_wrong else hour
            changes = seen + chance.randint(10, 40) if chance.random() < 0.05 else HOURS + 1
            sold.append(Order(len(sold), hour, seen, right, changes))
    return sold


def table(sold: list[Order], hour: int) -> list[dict[str, object]]:
    return [order.row(hour) for order in sold if hour - WINDOW < order.created and order.seen <= hour] or orders(1)[:0]


def run(
    sandbox, hour: int, part: int, sql: str, fate: str, rows: list[dict[str, object]], uncertain: list[int]
) -> None:
    """One part of one hour's run, with its retry where it has one."""
    about = {"run_id": f"hour {hour}", "part": part}
    if fate == KILLED:
        with pytest.raises(Killed), in_try(**about):
            RoktHook().send_conversions(cut_short(rows), send="new", fetch_size=5)
    elif fate in (FAILS, FAILS_AT_FIRST):
        sandbox.faults.add(Status(503, probability=0.6))
        uncertain.append(attempt(sql, **about))
        sandbox.faults.clear()
    if fate != FAILS:
        uncertain.append(attempt(sql, number=2, **about))


def attempt(sql: str, **about) -> int:
    """How many rows may have arrived."""
    try:
        report = send(sql=sql, send="new", **about)
    except (RoktIncompleteError, RoktTaskFailed) as error:
        # Rows do not arrive, or are wrong.
        report = getattr(error, "report", None) or error.__cause__.report
    return report["rows_unconfirmed"]


def cut_short(rows):
    yield from rows[: len(rows) // 2]
    raise Killed


@pytest.mark.parametrize("seed", [1])
def test_each_row_arrives_once_and_not_more_than_an_hour_late(sandbox, rokt, register, shop, monkeypatch, seed):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    chance = random.Random(seed)
    sold = history(chance)
    arrived: dict[str, int] = {}
    uncertain: list[int] = []
    seen = 0
    fates: Counter[str] = Counter()
    failed = False
    for hour in range(HOURS):
        rows = table(sold, hour)
        if not rows:
            continue
        shop(rows)
        # Ids move from part to part as the rows before them leave the window.
        divisor = chance.randint(1, 3)
        parts = [f"SELECT * FROM orders WHERE rowid / {divisor} % 2 = {part} ORDER BY random()" for part in range(2)]
        # As in the retry's query: of what was on its way when a part was killed its own retry alone knows.
        rows_of = [[row for at, row in enumerate(rows, 1) if at // divisor % 2 == part] for part in range(2)]
        fate = chance.choices(["", FAILS, FAILS_AT_FIRST, KILLED], [12, 0 if failed else 2, 2, 1])[0]
        failed = fate == FAILS
        fates[fate] += 1
        work = [
            threading.Thread(target=run, args=(sandbox, hour, part, sql, fate, rows_of[part], uncertain))
            for part, sql in enumerate(parts)
        ]
        for one in work:
            one.start()
            if fate:
                one.join(PATIENCE)
        for one in work:
            one.join(PATIENCE)
            assert not one.is_alive()
        for event in sandbox.store.events[seen:]:
            arrived.setdefault(event["data"]["source_message_id"], hour)
        seen = len(sandbox.store.events)
    assert min(fates[fate] for fate in (FAILS, FAILS_AT_FIRST, KILLED)) >= 5
    late = {
        order.number: arrived.get(f"order-{order.number}", HOURS) - order.ready
        for order in sold
        if order.ready < HOURS - 1
    }
    assert {number: hours for number, hours in late.items() if hours not in (0, 1)} == {}
    again = len(sandbox.store.events) - len(arrived)
    assert sandbox.store.counts.repeated_messages == again <= sum(uncertain) < len(arrived) / 10
