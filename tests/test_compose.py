"""docker-compose.yaml, as far as it can be checked without an engine: its schema, and what it says of this project."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_rokt.get_provider_info import get_provider_info
from airflow_provider_rokt.sandbox.airflow_connection import connection
from airflow_provider_rokt.sandbox.behaviour import Settings

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docker-compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENVIRONMENT: dict[str, str] = COMPOSE["x-environment"]
ONCE = "airflow-init"


def test_it_fits_the_compose_specification() -> None:
    pytest.importorskip("check_jsonschema", reason="the Compose specification's schema comes with check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_are_airflow_with_celery_its_stores_and_the_sandbox() -> None:
    airflow = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert set(SERVICES) == {ONCE, "postgres", "redis", "sandbox", *airflow}
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {ONCE}


def test_a_service_waits_only_for_what_can_happen() -> None:
    for service in SERVICES.values():
        for other, wait in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other == ONCE else "service_healthy"
            assert (other in SERVICES, wait) == (True, {"condition": wanted})


def test_nothing_is_published_to_other_machines() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_volumes_are_declared_and_mounted_folders_exist() -> None:
    mounts = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    folders = {mount for mount in mounts if mount.startswith(".")}
    assert mounts - folders == set(COMPOSE["volumes"])
    assert all((ROOT / folder).is_dir() for folder in folders)


def test_the_image_is_built_from_what_is_here() -> None:
    recipe = SERVICES[ONCE]["build"]["dockerfile_inline"]
    copied = [word for line in re.findall(r"COPY --chown=\S+ (.+)", recipe) for word in line.split()[:-1]]
    assert "airflow_provider_rokt" in copied
    assert all((ROOT / name).exists() for name in copied)
    # A volume takes its owner from the image's folder; without one root would own it, and Airflow could not write.
    made = set(re.findall(r"/opt/airflow/\w+", recipe))
    assert {f"{folder.rsplit('/', 1)[1]}:{folder}" for folder in made} <= set(SERVICES[ONCE]["volumes"])


def test_compose_substitutes_nothing() -> None:
    """A lone ``$`` would be replaced from the shell that runs ``docker compose``; ours are for the container."""
    assert re.findall(r"(?<!\$)(?:\$\$)*\$(?!\$)", FILE.read_text()) == []


def test_the_connection_is_the_one_the_sandbox_offers() -> None:
    command = SERVICES["sandbox"]["command"]
    offered = connection(f"http://sandbox:{command[command.index('--port') + 1]}", Settings())
    assert json.loads(ENVIRONMENT["AIRFLOW_CONN_ROKT_DEFAULT"]) == offered


def test_every_connection_of_the_examples_is_there() -> None:
    examples = "".join(example.read_text() for example in (ROOT / "dags_examples").glob("*.py"))
    wanted = set(re.findall(r"conn_id=\"(\w+)\"", examples)) | {"rokt_default"}
    assert {f"AIRFLOW_CONN_{name.upper()}" for name in wanted} <= set(ENVIRONMENT)


def test_the_shop_is_where_the_connection_looks() -> None:
    shop = json.loads(ENVIRONMENT["AIRFLOW_CONN_SHOP"])
    assert shop["conn_type"] == "sqlite"
    assert shop["host"] in SERVICES[ONCE]["command"][0]


def test_every_airflow_option_exists() -> None:
    """A misspelt option would be ignored without a word."""
    image = re.search(r"FROM apache/airflow:(\d+\.\d+)", FILE.read_text())
    if not image or not version("apache-airflow").startswith(f"{image[1]}."):
        pytest.skip("the file is for another Airflow")
    from airflow.configuration import conf

    known = dict(conf.configuration_description) | get_provider_info()["config"]
    names = [re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+)", name) for name in ENVIRONMENT]
    options = {(match[1].lower(), match[2].lower()) for match in names if match}
    assert ("rokt", "ledger_path") in options
    # Celery's own section comes with its provider, which the image has.
    missing = [option for option in options if option[0] != "celery" and option[1] not in known[option[0]]["options"]]
    assert missing == []
