"""No error of a driver, a hook or SQLAlchemy shows a value, wherever it stands in it and whatever surrounds it."""

import re
import sqlite3
import traceback
from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from airflow_provider_rokt.sources.query_error import query_error, undecodable
from airflow_provider_rokt.statements.hiding import Hidden
from airflow_provider_rokt.statements.known_phrases import _PHRASES

VALUE = "PiiRFn9"
SQL = "SELECT email, born FROM orders WHERE id = 1"


class DatabaseError(Exception):
    """As drivers derive theirs."""


DatabaseError.__name__ = "Error"


def with_state(state: str, context: str | None) -> Callable[[str], Exception]:
    def make(text: str) -> Exception:
        error = DatabaseError(text)
        error.sqlstate = state  # type: ignore[attr-defined]
        error.diag = SimpleNamespace(  # type: ignore[attr-defined]
            severity="ERROR", context=context, message_detail=text, message_hint=text, column_name=text
        )
        return error

    return make


def caused(text: str) -> Exception:
    error = AirflowException(text)
    error.__cause__ = ValueError(text)
    return error


def raised(text: str, kind: type[Exception]) -> Exception:
    try:
        raise kind(text)
    except Exception as error:
        return error


STATES = ["42P01", "42601", "42703", "0A000", "22P02", "22012", "23505", "08006", "28000", "53100", "57014", "P0001"]
MAKERS: list[Callable[[str], Exception]] = [
    *(with_state(state, context) for state in STATES for context in (None, VALUE)),
    *(
        lambda text, number=number: DatabaseError(number, text)
        for number in (1054, 1064, 1146, 1365, 1644, 2013, 55000)
    ),
    *(lambda text, state=state: DatabaseError(state, text) for state in ("42S02", "22012", "HY000")),
    lambda text: OperationalError(text, {"email": text}, DatabaseError(1054, text)),
    lambda text: DatabaseError(VALUE, text),
    lambda text: DatabaseError(5_550_109, text),
    lambda text: RuntimeError(text, text),
    lambda text: RuntimeError(VALUE[:5], text),
    lambda text: sqlite3.OperationalError(text),
    lambda text: sqlite3.IntegrityError(text),
    lambda text: KeyError(text),
    lambda text: KeyError((text,)),
    lambda text: UnicodeDecodeError("utf-8", text.encode(), 0, 1, text),
    caused,
    *(
        lambda text, kind=kind: raised(text, kind)
        for kind in (ValueError, AttributeError, TypeError, IndexError, NotImplementedError, NameError, RuntimeError)
    ),
]
filled = st.sampled_from(_PHRASES).map(
    lambda phrase: re.sub(r"\{\w+\}", VALUE, re.sub(r"\\([^A-Za-z])", r"\1", phrase))
)
frames = st.sampled_from(
    [
        "{}",
        "no consent of {}",
        'relation "{}" does not exist',
        "relation {} does not exist",
        "improper qualified name (too many dotted names): {}.b.c.d",
        'syntax error at or near "{}"',
        "Incorrect {} value: '{}'",
        "permission denied for {} orders",
        "You have an error in your SQL syntax; {} near '{}' at line 1",
        "Syntax error: Unexpected {} at [1:5]",
        "Could not decode to UTF-8 column '{}' with text '{}'",
        "function {}({}) does not exist",
        "'{}' object has no attribute '{}'",
        "value for domain {} violates check constraint",
        'null value in column "{}" of relation "{}" violates not-null constraint\nDETAIL: Failing row contains ({}).',
        "»{}«: Relation »orders« existiert nicht",
        'email {} "orders"',
    ]
).map(lambda frame: frame.replace("{}", VALUE))
noise = st.sampled_from(["", "'", '"', "`", "\n", " email ", "near ", "it's ", VALUE, f'"{VALUE}', f"{VALUE}'"])


@given(
    before=noise,
    text=filled | frames,
    after=noise,
    cut=st.integers(0, 120),
    sql=st.sampled_from([None, SQL]),
)
def test_no_error_shows_a_value_wherever_it_stands(
    before: str, text: str, after: str, cut: int, sql: str | None
) -> None:
    whole = before + text + after
    for make, said in product(MAKERS, (whole, whole[: cut + 1], whole[-cut - 1 :])):
        error = query_error(make(said), "connection 'shop'", sql)
        assert "PiiRF" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("syntax error line 1 at position 7", "syntax error line 1 at position 7"),
        ("syntax error line 5550 at position 109876", "syntax error line … at position …"),
        ("Syntax error at [5550:109876]", "Syntax error at […:…]"),
        ("line 5550:109876", "line …:…"),
    ],
)
def test_a_place_is_told_where_the_statement_has_it(text: str, says: str) -> None:
    assert says in str(query_error(DatabaseError(text), "x", SQL))
    assert not re.search(r"\d{4}", str(query_error(DatabaseError(text), "x", None)))


@pytest.mark.parametrize("names", [Hidden(None), Hidden(SQL), Hidden(None, names=frozenset({"born"}))])
def test_a_value_that_cannot_be_read_is_told_by_a_known_column_only(names: Hidden) -> None:
    def said(column: str) -> Any:
        error = sqlite3.OperationalError(f"Could not decode to UTF-8 column '{column}' with text '{VALUE}'")
        return str(undecodable(error, "x", 7, names))

    assert "of column" not in said(VALUE) and VALUE not in said("born") + said(VALUE)
    assert ("of column 'born'" in said("born")) is ("born" in names.words)


@given(
    value=st.text(st.sampled_from("ЖШ'\"`»\n\r @."), min_size=1),
    around=st.sampled_from(["'{}'", '"{}"', "`{}`", "»{}«"]),
)
def test_an_odd_number_of_quotes_shows_no_value_beside_names_of_the_statement(value: str, around: str) -> None:
    text = f'column "email" of relation "orders" has {around.format(f"Ж{value}Ж")} near "email'
    for state in ("42703", "42601", "22P02"):
        for end in range(len(text) + 1):
            error = query_error(with_state(state, None)(text[:end]), "x", SQL)
            assert not {"Ж", "Ш"} & {*str(error)}


def test_names_of_the_statement_are_told_in_any_language() -> None:
    error = query_error(with_state("42P01", None)("Relation »shop.orders« existiert nicht bei »jane«"), "x", SQL)
    assert str(error).partition(" (…")[0].endswith('Error (42P01): "….orders"')
