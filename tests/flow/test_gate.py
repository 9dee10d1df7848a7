"""A gate: one question of all objections, and a plan that is the same for the same and for nothing else."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktAudienceError, RoktError, RoktTooFewRowsError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.checks import check_enough
from airflow_provider_rokt.flow.gate import Gate, Lifted, Question, RowSum
from airflow_provider_rokt.flow.row import FieldFault

LIFTED = Lifted(3, frozenset({"user_attributes.mobile"}))
PHONE = FieldFault("user_attributes.mobile", "not a phone number")


def refuse(text: str) -> None:
    raise RoktAudienceError(text)


def asked(
    basis: object = None, facts: dict[str, int] | None = None, invalid: int = 7, members: tuple[bytes, ...] = ()
) -> Question:
    """What a run with these is asked."""
    questions: list[Question] = []
    census = Census()
    census.values[PHONE.path], census.invalid[PHONE] = 100, invalid
    gate = Gate(questions.append, about="conversions", basis=basis)
    gate.check(check_enough, 0, 1)
    gate.check(refuse, "too much")
    gate.settle(facts or {"Rows read": 5}, census, LIFTED, members)
    (question,) = questions
    assert gate.lifted == LIFTED
    return question


def test_all_objections_are_one_question() -> None:
    question = asked()
    assert [type(error) for error in question.objections] == [RoktTooFewRowsError, RoktAudienceError]
    assert question.objections[0].objection == "expected at least 1 rows (min_rows), the query returned 0"
    assert (question.about, question.facts) == ("conversions", {"Rows read": 5})
    assert question.losses == (("user_attributes.mobile", 7, 100, "not a phone number"),)


def test_where_nobody_is_asked_the_first_objection_ends_the_run() -> None:
    gate = Gate()
    with pytest.raises(RoktTooFewRowsError):
        gate.check(check_enough, 0, 1)
    gate.settle({}, Census(), LIFTED)
    assert gate.lifted == Lifted()


def test_without_an_objection_nobody_is_asked_and_nothing_is_lifted() -> None:
    gate = Gate(lambda question: pytest.fail(str(question)))
    gate.check(check_enough, 1, 1)
    gate.settle({}, Census(), LIFTED)
    assert gate.lifted == Lifted()


def test_what_is_not_let_pass_ends_the_run_and_lifts_nothing() -> None:
    def decide(question: Question) -> None:
        raise question.objections[0]

    gate = Gate(decide)
    gate.check(refuse, "too much")
    with pytest.raises(RoktError, match="too much"):
        gate.settle({}, Census(), LIFTED)
    assert gate.lifted == Lifted()


rows = st.lists(st.lists(st.sampled_from([b"", b"a", b"1:a", b"b", b"ab"]), max_size=3), max_size=4)


def summed(rows: list[list[bytes]]) -> bytes:
    seen = RowSum()
    for row in rows:
        seen.add(*row)
    return seen.digest


@given(rows, rows, st.randoms())
def test_rows_have_one_digest_in_any_order_and_no_others_have_it(
    one: list[list[bytes]], other: list[list[bytes]], random: Random
) -> None:
    assert (summed(one) == summed(other)) is (sorted(one) == sorted(other))
    assert summed(random.sample(one, len(one))) == summed(one)


def test_a_fault_of_ours_is_no_objection() -> None:
    gate = Gate(lambda _: None)
    with pytest.raises(ZeroDivisionError):
        gate.check(lambda: 1 / 0)  # type: ignore[arg-type, return-value]


runs = st.tuples(
    st.fixed_dictionaries(
        {"mapping": st.none() | st.dictionaries(st.text(), st.text()), "max_removed": st.floats(0, 1)}
    ),
    st.dictionaries(st.sampled_from(["Rows read", "Members to add"]), st.integers(0, 3), min_size=1),
    st.integers(1, 3),
    st.lists(st.binary(min_size=65, max_size=65), max_size=3).map(tuple),
)


@given(runs, runs)
def test_two_runs_have_one_plan_exactly_where_nothing_tells_them_apart(one: object, other: object) -> None:
    # As JSON tells numbers apart: -0.0 and 0.0 are two texts.
    assert (asked(*one).plan == asked(*other).plan) is (repr(one) == repr(other) or one == other)  # type: ignore[misc]
    assert asked(*one).plan == asked(*one).plan  # type: ignore[misc]
