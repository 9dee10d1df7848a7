"""What bounds the waits of other tests is bounded itself."""

import subprocess
import sys

import pytest

from tests.bounded import child, until

WAITS = [sys.executable, "-c", "print('there', flush=True); input()"]


def test_a_wait_in_vain_fails_the_test() -> None:
    with pytest.raises(AssertionError, match=r"within 0\.01 s"):
        until(lambda: False, seconds=0.01)


def test_a_test_that_fails_leaves_no_process() -> None:
    with pytest.raises(ZeroDivisionError), child(WAITS, stdin=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == "there\n"
        raise ZeroDivisionError
    assert process.returncode == -9
