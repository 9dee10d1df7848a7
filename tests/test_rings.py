"""The rings: what each part of the package may import, read from the source itself.

Every ``import`` counts, also inside a function or under ``TYPE_CHECKING``: the rings say who may know whom.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import airflow_provider_rokt

PACKAGE = Path(airflow_provider_rokt.__file__).parent
NAME = PACKAGE.name


@dataclass(frozen=True)
class Ring:
    """One ring.

    :param parts: the modules and subpackages directly under the package that form it.
    :param inner: names of the rings it may import, besides itself.
    :param libraries: what it may import beyond the standard library.
    """

    parts: frozenset[str]
    inner: frozenset[str]
    libraries: frozenset[str]


RINGS = {
    "pure": Ring(
        frozenset(
            {"audiences", "connection_form", "events", "exceptions", "get_provider_info", "limits"}
            | {"packing", "request", "rows", "stream", "thresholds"}
        ),
        frozenset(),
        frozenset({"jsonschema", "jsonschema_rs", "msgspec", "phonenumbers", "referencing"}),
    ),
    "transport": Ring(
        frozenset({"delivery", "options", "preview", "probe", "settings"}),
        frozenset({"pure"}),
        frozenset({"msgspec", "requests", "tenacity", "urllib3"}),
    ),
    "airflow": Ring(
        frozenset(
            {"__main__", "cli", "commands", "failures", "hooks", "ledger_root", "operators", "sender"}
            | {"sensors", "sources", "triggers"}
        ),
        frozenset({"pure", "transport"}),
        frozenset({"airflow", "sqlalchemy", "sqlparse"}),
    ),
    # The sandbox plays the other side: it must not share the rules it is there to check.
    "sandbox": Ring(frozenset({"sandbox"}), frozenset(), frozenset({"msgspec", "starlette", "uvicorn"})),
}
# What crosses a border on purpose: part -> what it may import all the same.
CROSSINGS = {
    "sandbox": {f"{NAME}.limits"},
    "cli": {f"{NAME}.sandbox.arguments"},
    "commands": {f"{NAME}.sandbox"},
    # Airflow before 3.2 draws the form with these; imported inside the one function that makes the widgets.
    "connection_form": {"flask_appbuilder", "flask_babel", "wtforms"},
}
# Airflow as it is for every version, and the few things common-compat does not carry.
AIRFLOW = (
    "airflow.providers.common.compat.sdk",
    "airflow.providers.common.sql.hooks",
    "airflow.triggers.base",
    "airflow.cli.cli_config",
    "airflow.cli.simple_table",
    "airflow.utils.cli",
)


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module in the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    """Every dotted name the file imports; ``from a import b`` gives ``a.b``, since ``b`` may be a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here, line {node.lineno}"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(module: str) -> str:
    """``airflow_provider_rokt.events.fields`` -> ``events``; the package itself -> ``""``."""
    return module.split(".")[1] if "." in module else ""


def ring_of(module: str) -> str | None:
    """The name of the ring a module of the package belongs to."""
    return next((name for name, ring in RINGS.items() if part_of(module) in ring.parts), None)


def within(imported: str, allowed: str) -> bool:
    return imported == allowed or imported.startswith(allowed + ".")


def trespasses(module: str, imported: str) -> bool:
    """Whether a module of a ring imports what that ring may not."""
    name = ring_of(module)
    assert name is not None, f"say in RINGS which ring {module} belongs to"
    ring, top = RINGS[name], imported.split(".")[0]
    if imported == f"{NAME}.__version__" or any(within(imported, way) for way in CROSSINGS.get(part_of(module), ())):
        return False
    if top == NAME:
        return ring_of(imported) not in {name, *ring.inner}
    if top == "airflow" and top in ring.libraries:
        return not any(within(imported, way) for way in AIRFLOW)
    return top not in sys.stdlib_module_names and top not in ring.libraries


def test_every_module_belongs_to_one_ring() -> None:
    parts = [part for ring in RINGS.values() for part in ring.parts]
    assert len(parts) == len(set(parts))
    homeless = sorted({part_of(module) for module in modules()} - set(parts) - {""})
    assert not homeless, f"say in RINGS which ring these belong to: {homeless}"


@pytest.mark.parametrize("module", [name for name in modules() if part_of(name)])
def test_a_module_imports_only_what_its_ring_may(module: str) -> None:
    assert sorted(name for name in imports(modules()[module]) if trespasses(module, name)) == []


def test_the_package_itself_imports_the_standard_library_only() -> None:
    tops = {name.split(".")[0] for name in imports(modules()[NAME])}
    assert tops <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("events.mapping", "requests.Session"),
        ("events.mapping", f"{NAME}.delivery.client.RoktClient"),
        ("delivery.client", f"{NAME}.hooks.rokt.RoktHook"),
        ("delivery.client", "airflow.sdk.BaseHook"),
        ("delivery.client", "jsonschema.Draft202012Validator"),
        ("operators.rokt", "airflow.models.BaseOperator"),
        ("operators.rokt", "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"),
        ("operators.rokt", f"{NAME}.sandbox.app"),
        ("sandbox.app", f"{NAME}.events.fields.FIELDS"),
        ("sandbox.app", "requests.get"),
    ],
)
def test_a_trespass_is_seen(module: str, imported: str) -> None:
    assert trespasses(f"{NAME}.{module}", imported)


@cache
def imported_by(module: str) -> set[str]:
    """The top-level names a fresh interpreter holds after importing ``module``."""
    code = f"import sys; import {module}; print('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", [NAME, f"{NAME}.get_provider_info"])
def test_what_every_airflow_process_imports_is_light(module: str) -> None:
    heavy = {"airflow", "jsonschema", "jsonschema_rs", "msgspec", "phonenumbers", "requests", "sqlalchemy"}
    assert not heavy & imported_by(module)


def test_every_airflow_command_pays_for_nothing_it_does_not_run() -> None:
    heavy = {"jsonschema", "jsonschema_rs", "msgspec", "phonenumbers", "requests", "sqlalchemy", "starlette", "uvicorn"}
    assert not heavy & (imported_by(f"{NAME}.cli") - imported_by("airflow.cli.cli_config"))


@pytest.mark.parametrize("module", ["operators", "sensors"])
def test_a_dag_file_pays_for_nothing_it_does_not_run(module: str) -> None:
    """Airflow's own base classes import some of these by themselves, so what they cost is taken off."""
    heavy = {"jsonschema", "jsonschema_rs", "phonenumbers", "requests", "sqlalchemy"}
    airflow = imported_by("airflow.providers.common.compat.sdk as sdk; sdk.BaseOperator; sdk.BaseSensorOperator")
    assert not heavy & (imported_by(f"{NAME}.{module}.rokt") - airflow)
