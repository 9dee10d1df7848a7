"""Lines as wide as Airflow's pages show them."""

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.flow.lines import LINE_CHARS, PAGE_CHARS, narrow, wrapped

WORDS = st.lists(st.text("abc.-é/", min_size=1, max_size=60), min_size=1, max_size=40)


@given(WORDS, st.integers(0, 24))
def test_every_word_can_be_read_without_scrolling(words, indent):
    lines = list(wrapped(" ".join(words), " " * indent))
    assert " ".join(lines).split() == words
    assert all(len(line) <= PAGE_CHARS for line in lines)
    assert all(line.startswith(" " * indent) for line in lines[1:])


def test_each_line_of_a_text_begins_a_line():
    assert list(wrapped("what\nwhy " + "w" * 99 + "\nwhat to do", "  ")) == [
        "what",
        "why",
        "  " + "w" * 98,
        "  w",
        "what to do",
    ]


def test_an_address_stays_whole_so_that_it_can_be_copied():
    address = "file:///" + "a" * 200
    assert list(wrapped(f"Ledger: {address}", breaks_words=False)) == ["Ledger:", address]


def test_what_is_said_in_full_elsewhere_is_cut_off():
    assert narrow("l" * LINE_CHARS) == "l" * LINE_CHARS
    assert narrow("l" * (LINE_CHARS + 1)) == "l" * (LINE_CHARS - 1) + "…"
