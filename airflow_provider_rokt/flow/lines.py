"""Lines of a task's log and of an error's text, as wide as the pages of Airflow's UI show them."""

import logging
from collections.abc import Iterator
from textwrap import wrap
from typing import Final

LINE_CHARS: Final = 160
"""Of a line; the address of a ledger may be longer."""
PAGE_CHARS: Final = 100
"""What Airflow's page of a log shows of a line on 1,440 pixels without scrolling sideways."""


def narrow(line: str) -> str:
    """A line, cut off where it is too wide; for what is said in full elsewhere."""
    return line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 1] + "…"


def wrapped(text: str, indent: str = "", *, breaks_words: bool = True) -> Iterator[str]:
    """A text as lines that can be read to their end; they are records of their own, as a record's breaks may not show.

    :param indent: what stands before each line but the first.
    :param breaks_words: whether what is longer than a line is broken; an address is to stay whole.
    """
    for line in text.splitlines():
        yield from wrap(
            line, PAGE_CHARS, subsequent_indent=indent, break_on_hyphens=False, break_long_words=breaks_words
        )


def log_wrapped(log: logging.Logger, level: int, text: str, *, breaks_words: bool = True) -> None:
    """Logs a text as such lines, all but the first of each of its own set in; as a record of who calls.

    :param breaks_words: as for :func:`wrapped`.
    """
    for line in wrapped(text, "  ", breaks_words=breaks_words):
        log.log(level, "%s", line, stacklevel=2)
