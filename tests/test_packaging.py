"""What a release promises: one version, a licence, nothing of the machine it was made on."""

import re
import subprocess
import tomllib
from importlib.metadata import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import airflow_provider_rokt

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def tracked() -> list[Path]:
    """The files under version control, this one excepted."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.splitlines()]
    return [file for file in files if file.is_file() and file != Path(__file__)]


def test_the_version_is_written_once() -> None:
    assert airflow_provider_rokt.__version__ == PROJECT["version"], "installed from another checkout? install again"
    written = f'__version__ = "{PROJECT["version"]}"'
    assert [file for file in tracked() if file.suffix == ".py" and written in file.read_text()] == []


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == PROJECT["version"]


def test_the_licence_is_there_and_named() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert metadata("airflow-provider-rokt")["License-Expression"] == "Apache-2.0"


def test_a_release_holds_the_package_and_no_pictures() -> None:
    targets = PYPROJECT["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"] == {"packages": ["airflow_provider_rokt"]}
    assert targets["sdist"] == {"include": ["/airflow_provider_rokt", "/README.md", "/CHANGELOG.md", "/LICENSE"]}
    assert list((ROOT / "airflow_provider_rokt").rglob("*.png")) == []


def test_airflow_finds_the_provider_by_its_entry_point() -> None:
    (target,) = PROJECT["entry-points"]["apache_airflow_provider"].values()
    assert target == "airflow_provider_rokt.get_provider_info:get_provider_info"


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of somebody's machine", r"(?<![\w.:])/(?:root|home|Users)/\w"),
        ("a package index of somebody's own", r"index[-_]url|find[-_]links|--registry\b"),
        ("a conflict left behind", r"^(?:<{7}|>{7}) "),
    ],
)
def test_no_file_holds(what: str, pattern: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked()
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == [], what


def test_every_target_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = [(ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "Makefile", ".ci/run")]
    shown = {target for text in texts for target in re.findall(r"(?:`|: |^[ $]*)make ([a-z-]+)", text, re.MULTILINE)}
    assert {"test", "test-all", "coverage"} <= shown <= targets


def test_ci_runs_the_command_that_the_readme_shows() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make test" in readme
    assert re.search(r"^  stage .* make test$", (ROOT / ".ci/run").read_text(), re.MULTILINE)


def test_ci_runs_every_test_on_the_newest_airflow_and_what_meets_airflow_on_the_oldest() -> None:
    stages = re.findall(r"^  stage .* everything (\S+) (\S+)(.*)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert [stage[:2] for stage in stages] == [("coverage", "3.3"), ("test-all", "2.11")]
    assert "MEETS_NO_AIRFLOW" in stages[1][2] and not stages[0][2]
    recipes = dict(re.findall(r"^(\S+):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for target, recipe in recipes.items() if '-m "not slow"' in recipe} == {"test", "coverage"}
    # Coverage makes the slow ones several times slower, and they run little that the others do not.
    assert "-m pytest -m slow\n" in recipes["coverage"]


def test_every_folder_that_ci_names_exists() -> None:
    named = re.findall(r"\btests/[\w/.]+", (ROOT / ".ci/run").read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def pins() -> dict[str, set[str]]:
    """The pinned set: name -> its versions, more than one where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        pin = re.fullmatch(r"([a-z0-9][a-z0-9-]*)==([\w.+!]+)(?: ; [^@#/]+)?", line)
        assert pin, f"no pin but {line!r}; make pins"
        found.setdefault(pin[1], set()).add(pin[2])
    return found


def test_the_pinned_set_holds_names_and_versions_of_all_that_is_asked_for() -> None:
    groups = [*PROJECT["optional-dependencies"].values(), *PYPROJECT["dependency-groups"].values()]
    asked = [Requirement(line) for line in chain(PROJECT["dependencies"], *groups)]
    pinned = pins()
    missing = [
        str(requirement)
        for requirement in asked
        if requirement.name != PROJECT["name"]
        and not any(requirement.specifier.contains(version) for version in pinned.get(requirement.name, ()))
    ]
    assert missing == [], "make pins"


def test_every_test_ends_by_itself_and_no_mark_is_misspelt() -> None:
    options = PYPROJECT["tool"]["pytest"]["ini_options"]
    assert 60 <= options["timeout"] <= 600
    assert {"--strict-config", "--strict-markers"} <= set(options["addopts"])
    assert options["xfail_strict"]
