"""Texts still wrapped up as JSON or as a list are told once for each field, wherever the first one stands."""

import pytest

from airflow_provider_rokt.events.foreign_texts import FOREIGN_TEXTS, ForeignTexts
from airflow_provider_rokt.events.mapping import compile_mapping
from tests.events.test_mapping import ATTRIBUTES, LEAST, LEAST_ROW, RULES

CITY = "user_attributes.city"
OWN = "user_attributes.own"
NOTE = f"{ATTRIBUTES}note"


def told(path: str, *windows: list[object], caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is logged of a field whose values come in these windows."""
    plan = compile_mapping(LEAST | {path: "it"}, (*LEAST_ROW, "it"), RULES)
    texts = ForeignTexts(plan.steps)
    caplog.clear()
    with caplog.at_level("WARNING"):
        for window in windows:
            texts.see([(*LEAST_ROW.values(), value) for value in window])
    assert max((len(record.getMessage()) for record in caplog.records), default=0) <= 160
    lines = [record.getMessage() for record in caplog.records]
    return " ".join(line.strip() if line.startswith("  ") else f"\n{line}" for line in lines).strip().splitlines()


@pytest.mark.parametrize("path", [CITY, OWN, NOTE])
def test_quotes_and_null_are_told_once_whichever_row_has_them(path: str, caplog: pytest.LogCaptureFixture) -> None:
    windows = [["Bonn"] * 300, ["Bonn", '"Bonn"', "null", '"Köln"'], ['"Ulm"', "null"]]
    quotes, null = told(path, *windows, caplog=caplog)
    assert quotes.startswith(
        f"{path}: 2 of 4 values are JSON texts with their quotes around them, which would be sent:"
    )
    assert null.startswith(f"{path}: 1 of 4 values are the word null, as JSON has it: select NULL")
    assert "Bonn" not in quotes + null


@pytest.mark.parametrize("raw", [" null ", "null"])
def test_the_last_of_many_rows_is_looked_at(raw: str, caplog: pytest.LogCaptureFixture) -> None:
    (said,) = told(CITY, ["Bonn"] * 4_999 + [raw], caplog=caplog)
    assert "1 of 5,000 values" in said


@pytest.mark.parametrize(
    ("path", "raw", "lists"),
    [
        (OWN, '["a","b"]', 1),
        (OWN, " [1, 2]\n", 1),
        (OWN, "[]", 1),
        (OWN, "{{a,b},{c,d}}", 1),
        (OWN, "[0:1][2:3]={{a,b},{c,d}}", 1),
        (OWN, "{[1,3),[5,8)}", 1),
        # Read as the list it is.
        (OWN, "{happy,sad}", 0),
        (NOTE, "{happy,sad}", 1),
        (NOTE, "[0:1]={happy,sad}", 1),
        (NOTE, '["a"]', 1),
        (NOTE, "{[1,3)}", 1),
        *((path, raw, 0) for path in (OWN, NOTE) for raw in ("[sic] a note", '{"a": 1}', "{", "[", "{a b}", "5", "")),
        ("user_identities.customerid", '["a"]', 0),
    ],
)
def test_lists_that_are_sent_as_text_are_told(
    path: str, raw: str, lists: int, caplog: pytest.LogCaptureFixture
) -> None:
    said = told(path, ["plain", raw, None, 5], caplog=caplog)
    assert [line.partition(":")[0] for line in said] == [path] * lists
    assert all("1 of 4 values are lists written as text" in line for line in said)


def test_a_long_list_is_no_danger() -> None:
    assert any(one.shows("[" * 100_000) for one in FOREIGN_TEXTS) is False
