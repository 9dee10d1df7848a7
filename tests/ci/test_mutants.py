"""The runner of ``make mutants``, tried on a project of two modules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
RUNNER = Path(__file__).parents[2] / ".ci" / "mutants"
GATE = '''
"""Who may enter."""

OPENS = 9


def may_enter(age: int, hour: int) -> bool:
    if age < 18:
        return False
    return hour >= OPENS


def nobody_asks() -> int:
    return 4


def waits() -> None:
    while 0:
        continue
'''
TESTS = """
from toy.gate.rules import may_enter, waits


def test_the_young_stay_outside():
    assert not may_enter(17, 12)


def test_it_opens_at_nine():
    assert [may_enter(30, hour) for hour in (8, 9)] == [False, True]


def test_waiting_ends():
    waits()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "toy/__init__.py": "",
        "toy/gate/__init__.py": "",
        "toy/gate/rules.py": GATE,
        "tests/test_gate.py": TESTS,
        "judged.toml": "",
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\npythonpath = ["."]\n',
    }.items():
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "project"


def mutants(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    toy = ["--root", ".", "--package", "toy", "--rooms", "gate", "--tests", "tests", "--judged", "judged.toml"]
    toy += ["--outer", "", "--patience", "2"]
    command = [sys.executable, str(RUNNER), *toy, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)


def survivors(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """Where they are -> their ids."""
    return {
        where: id for id, where in re.findall(r"^survived (\w+) toy/gate/rules\.py:\d+ in (.*)$", done.stdout, re.M)
    }


def test_it_names_what_no_test_notices_and_only_that(project: Path) -> None:
    before = {file: file.read_bytes() for file in project.rglob("*.*")}
    done = mutants(project, "--mutants", "1000")
    found = survivors(done)
    # Nobody of 18 comes, nobody asks, and what is false enough passes; a loop without an end is noticed by its time.
    assert set(found) == {
        "may_enter: age < 18  ->  age <= 18",
        "may_enter: 18  ->  19",
        "may_enter: return False  ->  return None",
        "nobody_asks: return 4  ->  return None",
        "nobody_asks: 4  ->  5",
        "nobody_asks: 4  ->  3",
        "waits: continue  ->  break",
    }, done.stdout + done.stderr
    assert re.search(r"^all +\d+ +\d+ +\d+ +[1-9]", done.stdout, re.M), "none hung"
    assert done.returncode == 1
    assert {file: file.read_bytes() for file in project.rglob("*.*")} == before


def test_a_judged_mutant_is_told_apart_and_a_stale_judgement_told(project: Path) -> None:
    found = survivors(mutants(project, "--mutants", "12"))
    judged = "".join(f'"{id}" = "a toy"\n' for id in found.values())
    (project / "judged.toml").write_text(f'[gate]\n{judged}"0000000000" = "was here once"\n')
    done = mutants(project, "--mutants", "12")
    assert done.returncode == 0, done.stdout
    assert not survivors(done)
    assert "no such mutant any more: 0000000000 was here once" in done.stdout


def test_a_seed_draws_the_same_again_and_one_can_be_tried_alone(project: Path) -> None:
    drawn = [survivors(mutants(project, "--mutants", "12", "--seed", seed)) for seed in ("1", "2", "1")]
    assert drawn[0] == drawn[2] != drawn[1]
    where, id = drawn[0].popitem()
    done = mutants(project, "--only", id)
    assert survivors(done) == {where: id}
    assert done.stdout.startswith("1 of ")


def test_tests_that_fail_anyway_notice_nothing(project: Path) -> None:
    with (project / "tests" / "test_gate.py").open("a") as file:
        file.write("\n\ndef test_wrong():\n    assert False\n")
    done = mutants(project)
    assert done.returncode == 1
    assert "The tests fail with nothing broken" in done.stderr
