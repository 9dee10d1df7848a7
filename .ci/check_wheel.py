"""Checks a built wheel and what Airflow shows of it; run by the Python it is installed into, away from the checkout.

python -P check_wheel.py dist/airflow_provider_rokt-1.0.0-py3-none-any.whl
"""

import json
import re
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

PACKAGE = "airflow_provider_rokt"
DISTRIBUTION = "airflow-provider-rokt"


def check_files(wheel: Path) -> None:
    """Only our package is inside, with what it needs at run time."""
    names = zipfile.ZipFile(wheel).namelist()
    version = wheel.name.split("-")[1]
    tops = {name.split("/")[0] for name in names}
    assert tops == {PACKAGE, f"{PACKAGE}-{version}.dist-info"}, tops
    assert f"{PACKAGE}/py.typed" in names
    schemas = [name for name in names if name.startswith(f"{PACKAGE}/events/schema/") and name.endswith(".json")]
    assert schemas, "no schema in the wheel"
    assert {f"{PACKAGE}/plugin/templates/base.html", f"{PACKAGE}/plugin/static/page.css"} <= {*names}, "no page"
    assert f"{PACKAGE}-{version}.dist-info/licenses/LICENSE" in names
    strays = [name for name in names if name.startswith(PACKAGE) and name.endswith((".pyc", ".pyi", ".orig"))]
    assert not strays, strays
    print(f"{wheel.name}: {len(names)} files, only {PACKAGE}, schemas {schemas}")


def check_bill(wheel: Path) -> None:
    """Beside it lies a CycloneDX bill of this version, with all that it requires and all that these require."""
    path = wheel.with_name(wheel.name.removesuffix("-py3-none-any.whl") + ".cdx.json")
    bill = json.loads(path.read_text())
    root = bill["metadata"]["component"]
    assert (bill["bomFormat"], root["name"], root["version"]) == ("CycloneDX", DISTRIBUTION, wheel.name.split("-")[1])
    required = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires(DISTRIBUTION) or ()}
    refers = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    listed = {_plain(ref.partition("==")[0]) for ref in refers[root["bom-ref"]]}
    assert listed == {_plain(name) for name in required}, (listed, required)
    components = {component["bom-ref"]: component for component in bill["components"]}
    assert {ref for refs in refers.values() for ref in refs} <= set(components)
    assert all(component["version"] and component["purl"] for component in components.values())
    assert "file:" not in path.read_text(), "it names folders of the machine that made it"
    print(f"{path.name}: {len(components)} components, {len(listed)} of them required by the wheel itself")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def check_import() -> None:
    """The installed package is the one imported, and importing it costs nothing."""
    import airflow_provider_rokt

    heavy = {"airflow", "jsonschema", "jsonschema_rs", "requests", "sqlalchemy"} & set(sys.modules)
    assert not heavy, heavy
    place = Path(airflow_provider_rokt.__file__)
    assert place.is_relative_to(sys.prefix), place
    print(f"import {PACKAGE} {airflow_provider_rokt.__version__}: nothing heavy with it")


def check_airflow() -> None:
    """Airflow's own manager shows the provider, the hook's name and the form, without importing the hook for it."""
    from airflow.providers_manager import ProvidersManager

    from airflow_provider_rokt.connection.form import EXTRAS, HOOK_NAME
    from airflow_provider_rokt.hooks.rokt import RoktHook

    manager = ProvidersManager()
    assert DISTRIBUTION in manager.providers
    shown = {entry.connection_type: entry for entry in manager.iter_connection_type_hook_ui_metadata()}["rokt"]
    assert shown.hook_name == RoktHook.hook_name == HOOK_NAME, shown
    assert shown.field_behaviour, "the form would have no labels"
    fields = {
        widget.field_name: widget
        for key, widget in manager.connection_form_widgets.items()
        if key.startswith("extra__rokt__")
    }
    assert set(fields) == {extra.name for extra in EXTRAS}, set(fields)
    secrets = {name for name, widget in fields.items() if widget.is_sensitive}
    assert secrets == {extra.name for extra in EXTRAS if extra.secret}, secrets
    print(f"connection type rokt is shown as {shown.hook_name!r}: {shown.field_behaviour['relabeling']}")
    for name, widget in fields.items():
        print(f"  {name}: {widget.field['schema']['title']}" + (" (masked)" if widget.is_sensitive else ""))


def check_commands() -> None:
    """What starts from a shell does: ``python -m airflow_provider_rokt.sandbox``."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", f"{PACKAGE}.sandbox", "--help"], capture_output=True, text=True, check=True
    )
    assert "--port" in done.stdout, done.stdout
    print(f"python -m {PACKAGE}.sandbox: starts")


if __name__ == "__main__":
    check_files(Path(sys.argv[1]))
    check_bill(Path(sys.argv[1]))
    check_import()
    check_airflow()
    check_commands()
