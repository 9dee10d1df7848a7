"""Values of numpy, pandas and pendulum, and of types that no rule was prepared for."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.dataframes import unboxed
from airflow_provider_rokt.events.destinations import CONVERSION
from airflow_provider_rokt.events.fields import FIELDS
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.normalize import age, amount, email, event_id, flag, identity, ip, quantity
from airflow_provider_rokt.events.placeholders import PLACEHOLDERS
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.events.timestamps import birthday, timestamp
from airflow_provider_rokt.events.values import BadValue, attribute, scalar, text
from airflow_provider_rokt.exceptions import RoktMappingError

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pendulum = pytest.importorskip("pendulum")

NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
RULES = Rules(now=NOW)
GUIDE = 1735689600000
moment, born, customer = timestamp("auto", NOW), birthday(NOW), identity(PLACEHOLDERS)
EVERY = [text, scalar, attribute, email, ip, amount, quantity, age, flag, moment, born, customer, event_id]


class Shifted(datetime):
    """A subclass whose arithmetic is its own, as pendulum's and freezegun's is."""

    def __sub__(self, other: object) -> Any:
        raise AttributeError("no such difference")

    def isoformat(self, *_: object) -> str:
        return "today"


class Price(Decimal):
    """A subclass that is not to be trusted either."""

    def __format__(self, *_: object) -> str:
        return "expensive"


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    [
        (moment, pendulum.datetime(2025, 1, 1), GUIDE),
        (moment, pendulum.datetime(2025, 1, 1, 1, tz="Europe/Berlin"), GUIDE),
        (moment, pendulum.naive(2025, 1, 1), GUIDE),
        (moment, pendulum.date(2025, 1, 1), GUIDE),
        (moment, Shifted(2025, 1, 1, tzinfo=UTC), GUIDE),
        (moment, pd.Timestamp("2025-01-01T00:00:00.123456789"), GUIDE + 123),
        (moment, pd.Timestamp("2025-01-01 01:00", tz="Europe/Berlin"), GUIDE),
        (moment, np.datetime64("2025-01-01"), GUIDE),
        (moment, np.datetime64("2025-01-01T00:00:00.123456789"), GUIDE + 123),
        (moment, np.datetime64("2025-01"), GUIDE),
        (moment, np.int64(1735689600), GUIDE),
        (moment, np.float64(1735689600.5), GUIDE + 500),
        (moment, np.uint64(GUIDE), GUIDE),
        (text, Shifted(2025, 1, 1), "2025-01-01T00:00:00"),
        (text, np.str_(" x "), "x"),
        (text, np.bytes_(b"x"), "x"),
        (text, np.int32(10001), "10001"),
        (text, Price("7.50"), "7.50"),
        (scalar, Price("100.00"), "100.00"),
        (scalar, np.int64(5), 5),
        (scalar, np.float32(149.99), 149.99),
        (scalar, np.float16(0.1), 0.1),
        (scalar, np.float64(2.5), 2.5),
        (scalar, np.bool_(True), True),
        (scalar, np.bool_(False), False),
        (scalar, np.uint8(3), 3),
        (attribute, np.array(["a", " b "]), ["a", "b"]),
        (attribute, np.array([1, 2]), ["1", "2"]),
        (attribute, np.array([1.5, 2.1], dtype="float32"), ["1.5", "2.1"]),
        (attribute, np.array([True, False]), ["true", "false"]),
        (attribute, np.array(["a", None, np.nan], dtype=object), ["a"]),
        (attribute, np.array([]), None),
        (attribute, np.array(5), 5),
        (attribute, pd.Series(["a", None]), ["a"]),
        (attribute, pd.Index(["a"]), ["a"]),
        (attribute, pd.array([1, None], dtype="Int64"), ["1"]),
        (attribute, pd.Categorical(["a", "b"]), ["a", "b"]),
        (attribute, pd.Timestamp("2025-01-01"), "2025-01-01T00:00:00"),
        (amount, np.float32(149.99), "149.99"),
        (amount, np.float64(0.1 + 0.2), "0.30"),
        (scalar, np.longdouble(2.5), 2.5),
        (scalar, np.longdouble(149.99), 149.99),
        (text, np.longdouble(7), "7"),
        (amount, np.longdouble("149.99"), "149.99"),
        (attribute, np.ma.array(["a", "b"], mask=[False, True]), ["a"]),
        (attribute, np.ma.array([1, 2], mask=[True, False]), ["2"]),
        (attribute, np.ma.array([1, 2], mask=True), None),
        (amount, np.int64(5), "5"),
        (quantity, np.float32(1.5), 1.5),
        (quantity, np.int16(7), 7),
        (age, np.int64(42), 42),
        (flag, np.bool_(False), False),
        (flag, np.int64(1), True),
        (born, pendulum.date(1990, 5, 7), "19900507"),
        (born, pd.Timestamp("1990-05-07 23:59"), "19900507"),
        (born, np.datetime64("1990-05-07"), "19900507"),
        (customer, np.int64(77), "77"),
        (ip, np.str_("203.0.113.42"), "203.0.113.42"),
        (email, np.str_(" Jane@Example.com "), "jane@example.com"),
    ],
)
def test_it_is_read_as_what_it_stands_for(rule: Callable[[object], object], raw: object, expected: object) -> None:
    found = rule(raw)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("rule", EVERY)
@pytest.mark.parametrize(
    "nothing",
    [
        *(pd.NA, pd.NaT, np.datetime64("NaT"), np.timedelta64("NaT"), np.str_(" "), np.bytes_(b"")),
        *(np.float64("nan"), np.float32("nan"), np.longdouble("nan")),
        *(np.ma.masked, np.ma.array([1], mask=[True])[0], np.ma.array(5, mask=True)),
    ],
    ids=repr,
)
def test_what_a_frame_misses_is_nothing(rule: Callable[[object], object], nothing: object) -> None:
    assert rule(nothing) is None


@pytest.mark.parametrize("raw", [np.timedelta64(5, "s"), pd.Timedelta(5), np.complex64(1), np.array([[1], [2]])])
@pytest.mark.parametrize("rule", EVERY)
def test_the_rest_is_refused_by_its_type(rule: Callable[[object], object], raw: object) -> None:
    with pytest.raises(BadValue):
        rule(raw)


@settings(deadline=None)
@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float32_is_its_shortest_decimal(number: float) -> None:
    assert scalar(np.float32(number)) == float(str(np.float32(number)))


@settings(deadline=None)
@given(
    raw=st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2025, 12, 30), timezones=st.timezones()),
)
def test_any_subclass_is_the_moment_that_the_datetime_is(raw: datetime) -> None:
    expected = moment(raw)
    assert moment(Shifted.fromisoformat(raw.isoformat())) == expected
    naive = raw.replace(tzinfo=None)
    assert moment(pd.Timestamp(naive)) == moment(np.datetime64(naive)) == moment(naive)


def test_a_long_double_is_no_id_where_a_double_is_none() -> None:
    assert customer(np.longdouble(2**53 - 1)) == str(2**53 - 1)
    with pytest.raises(BadValue, match="no longer exact"):
        customer(np.longdouble(2**53))


def test_nobody_imports_numpy_to_look_at_a_value() -> None:
    loaded = "{'numpy', 'pandas', 'pendulum'} & set(sys.modules)"
    code = f"import sys, airflow_provider_rokt.events.fields; assert not {loaded}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_no_box_stays_what_it_is() -> None:
    for raw in (1, "a", None, 2.5, b"x", date(2025, 1, 1), object):
        assert unboxed(raw) is raw


class Hostile:
    """Fails at whatever is asked of it, with what it holds."""

    @property
    def __class__(self) -> type:
        raise OSError("jane@example.com")


COLUMNS = ["it", "email", "id", "time", "type"]
LEAST = dict(
    zip(
        ["user_identities.email", *sorted(CONVERSION.required, reverse=True)],
        ["email", "time", "id", "type"],
        strict=True,
    )
)
ROW = ("jane@example.com", "order_1", GUIDE, "purchase")
PATHS = [field.path.replace("<any>", "own").replace("<purpose>", "ads") for field in FIELDS]


@pytest.mark.parametrize("path", PATHS)
def test_one_value_that_cannot_be_read_costs_itself_only(path: str) -> None:
    consent = {f"{path.rpartition('.')[0]}.consented": {"literal": True}} if path.startswith("consent_state") else {}
    plan = compile_mapping({**LEAST, **consent, path: "it"}, COLUMNS, RULES)
    first, second = next(plan.apply([(Hostile(), *ROW), (None, *ROW)], 1))
    (fault,) = [fault for fault in [*first.faults, *first.dropped] if fault.path == path]
    assert fault.reason == "a value of type Hostile that cannot be read"
    assert not any("cannot be read" in fault.reason for fault in [*second.faults, *second.dropped])


def test_a_literal_that_cannot_be_read_is_told_by_its_type() -> None:
    with pytest.raises(RoktMappingError, match="ip: the literal does not fit: a value of type Hostile that cannot"):
        compile_mapping({**LEAST, "ip": {"literal": Hostile()}}, COLUMNS, RULES)


def test_a_time_that_airflow_rendered_natively_is_a_literal() -> None:
    path = "events[].data.timestamp_unixtime_ms"
    plan = compile_mapping({**LEAST, path: {"literal": pendulum.datetime(2025, 1, 1)}}, COLUMNS, RULES)
    (row,) = next(plan.apply([(None, *ROW)], 1))
    assert row.faults == []
    assert row.document["events"][0]["data"]["timestamp_unixtime_ms"] == GUIDE
