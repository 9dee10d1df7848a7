"""The README says what the code says."""

import re
from pathlib import Path

from airflow_provider_rokt.connection.form import EXTRAS
from airflow_provider_rokt.events.fields import markdown
from airflow_provider_rokt.get_provider_info import get_provider_info

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_it_lists_every_field():
    (table,) = re.findall(r"<!-- fields -->\n(.*?)\n<!-- /fields -->", README, re.DOTALL)
    assert table == markdown().strip()


def test_it_names_every_setting():
    assert [field.label for field in EXTRAS if field.label not in README and field.name != "timeout_seconds"] == []
    options = get_provider_info()["config"]["rokt"]["options"]
    assert [name for name in options if f"`[rokt] {name}`" not in README] == []


def test_its_links_lead_somewhere():
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [path for path in linked if not (Path(__file__).parent.parent / path).exists()] == []
