"""What the tests of commands share."""

import os
import sys

import pytest


@pytest.fixture
def terminal(monkeypatch):
    """A terminal at which somebody has typed a line."""
    opened = []

    def typed(text):
        ours, theirs = os.openpty()
        os.write(ours, text)
        opened.append(ours)
        monkeypatch.setattr(sys, "stdin", os.fdopen(theirs))

    yield typed
    for end in opened:
        os.close(end)
