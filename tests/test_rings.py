"""The rooms: what each may import, read from the source itself. The order is that of the road and of ARCHITECTURE.md.

Every ``import`` counts, also inside a function or under ``TYPE_CHECKING``: the rings say who may know whom. A room may
import rooms that stand above it only, so there is no way back.
"""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import airflow_provider_rokt

PACKAGE = Path(airflow_provider_rokt.__file__).parent
NAME = PACKAGE.name


@dataclass(frozen=True)
class Room:
    """One room, or one of the few modules that lie loose.

    :param inner: the rooms it may import, besides itself, ``exceptions`` and ``limits``.
    :param libraries: what it may import beyond the standard library.
    """

    inner: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()


def room(inner: str = "", libraries: str = "") -> Room:
    return Room(frozenset(inner.split()), frozenset(libraries.split()))


ROOMS = {
    "exceptions": room(),
    "limits": room(),
    "flow": room(),
    "storage": room(libraries="msgspec"),
    "sorting": room("storage", "msgspec"),
    "events": room("flow sorting", "jsonschema jsonschema_rs msgspec phonenumbers"),
    "audiences": room("flow storage sorting events", "msgspec"),
    "network": room(libraries="requests urllib3"),
    "answers": room("flow"),
    "api": room("flow network answers", "requests tenacity urllib3"),
    "ledger": room("flow storage", "msgspec"),
    "turns": room("flow storage", "msgspec"),
    "syncs": room("flow storage sorting turns", "msgspec"),
    "delivery": room("flow network answers api ledger", "msgspec"),
    "connection": room("flow network answers api"),
    "runs": room("flow storage sorting events audiences api ledger turns syncs delivery connection"),
    "trials": room("flow events audiences runs"),
    "statements": room(),
    "sources": room("flow events statements", "airflow sqlalchemy"),
    # The sandbox plays the other side: it must not share the rules it is there to check.
    "sandbox": room(libraries="msgspec starlette uvicorn"),
    "task": room("flow ledger", "airflow"),
    "triggers": room("ledger task", "airflow"),
    "sensors": room("flow ledger task triggers", "airflow"),
    "hooks": room("flow events api ledger connection runs trials sources task", "airflow"),
    "summaries": room("flow ledger task"),
    # The operators know where the UI shows what they deliver.
    "plugin": room("flow storage ledger syncs runs task summaries", "airflow fastapi jinja2 markupsafe sqlalchemy"),
    "operators": room("flow events ledger runs sources task hooks plugin", "airflow"),
    "transfers": room("flow ledger sources task", "airflow"),
    "commands": room(
        "flow audiences ledger turns syncs connection runs trials sources sandbox task hooks summaries operators",
        "airflow pendulum",
    ),
    "get_provider_info": room("connection"),
    "__main__": room("commands", "airflow"),
}
# What crosses a border on purpose: module -> what it may import all the same.
CROSSINGS = {
    # Airflow before 3.2 draws the form with these; imported inside the one function that makes the widgets.
    "connection.form": {"flask_appbuilder", "wtforms"},
    # A command is no task, whom alone Airflow 3 lets write variables by what common-compat carries.
    "commands.known_syncs": {"airflow.models.variable"},
    # A person is asked by what Airflow has from 3.1 on; imported where a guard has stopped a run.
    "task.approval": {
        "airflow.providers.standard.triggers.hitl",
        "airflow.sdk.exceptions",
        "airflow.sdk.execution_time",
    },
    # A page inside Airflow has no other way to ask who may read; imported by nothing but the API server.
    "plugin.visitor": {"airflow.api_fastapi", "airflow.models.dag"},
    "plugin.task_instances": {"airflow.api_fastapi.common.db.common", "airflow.models"},
    "plugin.failed_tasks": {"airflow.api_fastapi.common.db.common", "airflow.models.taskinstance"},
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
# The faces have the names that Airflow's users know them by.
SAME_NAME_ALLOWED = {"__init__", "__main__", "rokt"}


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


def room_of(module: str) -> str:
    """``airflow_provider_rokt.events.fields`` -> ``events``; the package itself -> ``""``."""
    return module.split(".")[1] if "." in module else ""


def within(imported: str, allowed: str) -> bool:
    return imported == allowed or imported.startswith(allowed + ".")


def trespasses(module: str, imported: str) -> bool:
    """Whether a module imports what its room may not."""
    name, top = room_of(module), imported.split(".")[0]
    assert name in ROOMS, f"say in ROOMS what {module} may import"
    if imported == f"{NAME}.__version__" or any(
        within(imported, way) for way in CROSSINGS.get(module.removeprefix(f"{NAME}."), ())
    ):
        return False
    if top == NAME:
        return room_of(imported) not in {name, "exceptions", "limits", *ROOMS[name].inner}
    if top == "airflow" and top in ROOMS[name].libraries:
        return not any(within(imported, way) for way in AIRFLOW)
    return top not in sys.stdlib_module_names and top not in ROOMS[name].libraries


def test_every_module_belongs_to_one_room() -> None:
    assert sorted({room_of(module) for module in modules()} - {""}) == sorted(ROOMS)


def test_only_what_is_named_lies_loose() -> None:
    loose = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert loose == {"__init__.py", "__main__.py", "exceptions.py", "get_provider_info.py", "limits.py", "py.typed"}


def test_no_room_imports_one_further_out() -> None:
    order = list(ROOMS)
    outward = [(name, inner) for name in order for inner in ROOMS[name].inner if order.index(inner) > order.index(name)]
    assert outward == []


@pytest.mark.parametrize("module", [name for name in modules() if room_of(name)])
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    assert sorted(name for name in imports(modules()[module]) if trespasses(module, name)) == []


def test_no_room_may_import_what_it_does_not() -> None:
    """A rule that is wider than the code would hide the next trespass."""
    used: dict[str, set[str]] = {name: set() for name in ROOMS}
    for module, path in modules().items():
        if room_of(module):
            used[room_of(module)] |= {room_of(name) for name in imports(path) if within(name, NAME)}
    wider = {name: sorted(rule.inner - used[name]) for name, rule in ROOMS.items() if rule.inner - used[name]}
    assert wider == {}


@pytest.mark.parametrize("name", [name for name in ROOMS if (PACKAGE / name).is_dir()])
def test_every_room_says_what_it_is(name: str) -> None:
    docstring = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text())) or ""
    assert len(docstring) > 60


def test_no_module_shares_its_name() -> None:
    stems = Counter(path.stem for path in modules().values())
    assert [name for name, count in stems.items() if count > 1 and name not in SAME_NAME_ALLOWED] == []
    inside = {module: module.rpartition(".")[2] for module in modules() if module.count(".") > 1}
    assert [module for module, name in inside.items() if name in set(ROOMS) - {room_of(module), "__main__"}] == []


def classes() -> Iterator[str]:
    for path in modules().values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


def test_no_class_shares_its_name() -> None:
    assert [name for name, count in Counter(classes()).items() if count > 1] == []


def test_no_room_is_a_warehouse() -> None:
    sizes: Counter[str] = Counter()
    for module, path in modules().items():
        sizes[room_of(module)] += len(path.read_text().splitlines())
    # The commands stand side by side, a module for each.
    large = {"events", "audiences", "ledger", "sandbox", "commands"}
    assert {name: size for name, size in sizes.items() if size > 1500 and name not in large} == {}


def test_the_package_itself_imports_the_standard_library_only() -> None:
    tops = {name.split(".")[0] for name in imports(modules()[NAME])}
    assert tops <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("events.mapping", "requests.Session"),
        ("events.mapping", f"{NAME}.api.client.RoktClient"),
        ("flow.request", f"{NAME}.api.endpoints.BULK"),
        ("ledger.report", f"{NAME}.delivery.delivery.Delivery"),
        ("runs.options", f"{NAME}.task.configuration.open_ledger"),
        ("api.client", f"{NAME}.hooks.rokt.RoktHook"),
        ("api.client", "airflow.sdk.BaseHook"),
        ("api.client", "jsonschema.Draft202012Validator"),
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
    assert not heavy & (imported_by(f"{NAME}.commands.cli") - imported_by("airflow.cli.cli_config"))


def test_every_airflow_process_pays_for_no_page() -> None:
    heavy = {"fastapi", "jinja2", "msgspec", "phonenumbers", "requests", "sqlalchemy", "starlette"}
    airflow = imported_by("airflow.providers.common.compat.sdk as sdk; sdk.AirflowPlugin; sdk.conf")
    assert not heavy & (imported_by(f"{NAME}.plugin.rokt_plugin") - airflow)


@pytest.mark.parametrize("module", ["operators.rokt", "sensors.rokt", "transfers.rokt_to_sql"])
def test_a_dag_file_pays_for_nothing_it_does_not_run(module: str) -> None:
    """Airflow's own base classes import some of these by themselves, so what they cost is taken off."""
    heavy = {"jsonschema", "jsonschema_rs", "phonenumbers", "requests", "sqlalchemy"}
    airflow = imported_by("airflow.providers.common.compat.sdk as sdk; sdk.BaseOperator; sdk.BaseSensorOperator")
    assert not heavy & (imported_by(f"{NAME}.{module}") - airflow)
