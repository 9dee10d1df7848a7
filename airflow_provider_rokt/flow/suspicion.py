"""What looks wrong though nothing refuses it, told without any row's value."""

from typing import NamedTuple


class Suspicion(NamedTuple):
    """One thing that looks wrong.

    :param kind: a word for programs.
    :param column: the column it is about; empty for whole rows.
    :param rows: how many rows it is about.
    :param text: what is seen and what to do.
    """

    kind: str
    column: str
    rows: int
    text: str
