"""The docs show every state of the page, light and dark."""

import re
from collections import defaultdict

from tests.plugin.shown_airflow import ROOT
from tests.plugin.states import EMPTY, THEMES, states


def test_the_docs_show_every_state_in_every_theme() -> None:
    shown = re.findall(r"pictures/(\w+\.png)", (ROOT / "docs/page.md").read_text())
    seen = [EMPTY, *states(defaultdict(str))]
    assert sorted(shown) == sorted(f"{state.name}_{theme}.png" for state in seen for theme in THEMES)
    assert sorted(shown) == sorted(file.name for file in (ROOT / "docs/pictures").iterdir())
