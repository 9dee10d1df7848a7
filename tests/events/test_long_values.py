"""A value of any length takes no more than its length: one long cell must not hold a delivery.

Nothing here is timed. What takes the square of these lengths takes minutes, which the time limit of every test ends.
"""

import pytest

from airflow_provider_rokt.events.fields import FIELDS
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.events.values import BadValue

LENGTH = 50_000
RULES = Rules(now=1767225600)
KINDS = {field.kind.label: field.kind for field in FIELDS}
PIECES = [
    " ",
    "a",
    "1",
    "-",
    "+",
    "(",
    "0 ",
    "a@",
    "a.",
    "@",
    ".",
    ",",
    ":",
    "1.",
    "{",
    '"',
    "[",
    "\\",
    "é",
    "\u200b",
    "1,2 ",
]


@pytest.mark.parametrize("label", KINDS)
@pytest.mark.parametrize("begins", ["", "2024-01-01", "+1 (555)", "jane@", "{", '"', "::"])
def test_a_long_value_is_read_or_refused(label: str, begins: str) -> None:
    normalise = KINDS[label].normaliser(RULES)
    for piece in PIECES:
        value = begins + piece * (LENGTH // len(piece)) + "x"
        for raw in (value, value.encode()):
            try:
                normalise(raw)
            except BadValue as bad:
                assert len(bad.reason) < 300
