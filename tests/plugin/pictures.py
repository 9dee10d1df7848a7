"""Takes the pictures that the docs show:  python -m tests.plugin.pictures docs/pictures

Fills an Airflow and writes a PNG file for each state of the page (tests/plugin/states.py), light and dark. Takes some
minutes; wants chromium and, of Python packages, websockets. With ``pngquant`` the files are a third as large.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

# Before what imports Airflow.
from tests import conftest as conftest
from tests.plugin.browser import Browser
from tests.plugin.shown_airflow import ShownAirflow
from tests.plugin.states import EMPTY, THEMES, Seen, states

PARTS: Final = 8


def take(browser: Browser, address: str, seen: Seen, folder: Path) -> None:
    """Both pictures of a state."""
    for theme in THEMES:
        browser.look(height=seen.height, theme=theme)
        browser.open(address + seen.path)
        browser.shows(*seen.words)
        browser.rest()
        file = folder / f"{seen.name}_{theme}.png"
        browser.picture(file, seen.top, seen.highest)
        _shrink(file)


def _shrink(file: Path) -> None:
    if pngquant := shutil.which("pngquant"):
        subprocess.run([pngquant, "--force", "--ext", ".png", str(file)], check=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.plugin.pictures", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rokt-pictures-") as home:
        airflow = ShownAirflow(Path(home), PARTS)
        shown = airflow.fill()
        with airflow.serving(), airflow.browser() as browser:
            with airflow.without_deliveries():
                take(browser, airflow.address, EMPTY, folder)
            for seen in states(shown):
                take(browser, airflow.address, seen, folder)


if __name__ == "__main__":
    main()
