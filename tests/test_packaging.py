"""What a release promises: one version, a licence, nothing of the machine it was made on."""

import re
import subprocess
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

import airflow_provider_rokt

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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


def test_every_command_the_readme_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"(?:`|^ *)make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert shown <= targets


def test_ci_runs_the_command_that_the_readme_shows() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make test" in readme
    assert re.search(r"^stage .* make test$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
