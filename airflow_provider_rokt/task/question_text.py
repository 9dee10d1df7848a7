"""A guard's question as a person reads it in Airflow: markdown with counts and our own reasons, never a row's value."""

from collections.abc import Iterable, Iterator
from typing import Final

from airflow_provider_rokt.flow.census import Excess
from airflow_provider_rokt.flow.gate import Question

SEND: Final = "Send it"
STOP: Final = "Stop"

# A mapping may have a hundred fields; what is wrong with ten says enough.
_FIELDS_SHOWN: Final = 10
_ANSWERS: Final = (
    f"**{SEND}** sends this alone. The query is read again then: unless {{same}}, nothing is sent, but for a result "
    f"that nothing speaks against any more.\n\n**{STOP}** fails the task, without a retry. So does no answer within "
    "{hours} hours."
)


def subject_of(question: Question) -> str:
    """The headline, of which Airflow's list shows some 45 characters, beside the task's name."""
    return f"{question.about[:1].upper()}{question.about[1:]}: send although a guard objects?"


def body_of(question: Question, hours: int) -> str:
    """The text below it; the same for the same question.

    :param hours: how long the answer is waited for.
    """
    objections = [f"- {_as_it_is(error.objection or str(error))}" for error in question.objections]
    parts = ["**Nothing was sent yet.** What speaks against it:", "\n".join(objections), _table(_facts(question))]
    if question.losses:
        parts += [
            "Values in the rows read that cannot be sent and would be left out:",
            _table(_losses(question.losses)),
        ]
    return "\n\n".join([*parts, _ANSWERS.format(same=question.same, hours=hours)])


def _facts(question: Question) -> Iterator[tuple[str, ...]]:
    yield "What was found", "Count"
    for name, count in question.facts.items():
        yield _as_it_is(name), f"{count:,}"


def _losses(losses: tuple[Excess, ...]) -> Iterator[tuple[str, ...]]:
    yield "Field", "Values", "Left out", "Most often"
    for loss in losses[:_FIELDS_SHOWN]:
        yield _as_it_is(loss.path), f"{loss.values:,}", f"{loss.invalid:,}", _as_it_is(loss.reason)
    if len(losses) > _FIELDS_SHOWN:
        yield f"and {len(losses) - _FIELDS_SHOWN} more", "", "", ""


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    columns = head.count(" | ") + 1
    return "\n".join([head, "|" + " --- |" * columns, *rest])


def _as_it_is(text: str) -> str:
    """Text that markdown takes for nothing but text."""
    return "".join(f"\\{sign}" if sign in "\\`*_[<>#|" else sign for sign in " ".join(text.split()))
