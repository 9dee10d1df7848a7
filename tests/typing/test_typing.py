"""The public face is typed for its users too: mypy passes right calls and refuses each wrong one for its own reason."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WRONG = HERE / "wrong_calls.py"

pytest.importorskip("mypy", reason="mypy is of the dependency group lint")


def errors_of(path: Path) -> dict[int, list[str]]:
    """What ``mypy --strict`` says, by line."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(path)]
    said = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True)
    assert said.returncode in (0, 1), said.stderr
    found: dict[int, list[str]] = {}
    for name, line, message in re.findall(r"^(.+?):(\d+): error: (.*)$", said.stdout, re.MULTILINE):
        assert Path(name).name == path.name, f"{name}:{line}: {message}"
        found.setdefault(int(line), []).append(message)
    return found


def test_right_calls_pass() -> None:
    assert errors_of(HERE / "right_calls.py") == {}


def test_each_wrong_call_is_refused_for_its_own_reason() -> None:
    expected = {
        number: line.partition("  # ")[2]
        for number, line in enumerate(WRONG.read_text().splitlines(), 1)
        if line.startswith("Rokt")
    }
    found = errors_of(WRONG)
    assert found.keys() == expected.keys()
    for number, reason in expected.items():
        assert any(reason in message for message in found[number]), (number, found[number])
