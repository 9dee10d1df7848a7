"""A sandbox runs in a thread, in a process of its own, and from the command line."""

import json
import shlex
import socket
import subprocess
import sys

import pytest
import requests

from airflow_provider_rokt.sandbox import Sandbox, SandboxProcess, Settings
from airflow_provider_rokt.sandbox.__main__ import main, parser
from airflow_provider_rokt.sandbox.faults import Status


def test_two_sandboxes_know_nothing_of_each_other(sandbox, post, batch):
    with Sandbox(Settings(key="other")) as other:
        assert other.url != sandbox.url
        post([batch("m1")])
        assert other.store.counts.requests == {}
        assert post([batch("m1")]).status_code == 202
        auth = ("other", other.settings.secret)
        assert requests.post(f"{other.url}/v2/events", json={}, auth=auth).status_code == 202
        other.reset(Settings(key="third"))
        other.reset()
        assert other.settings.key == "other"


def test_it_is_gone_when_its_context_ends():
    with Sandbox() as sandbox:
        assert requests.get(f"{sandbox.url}/health").status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{sandbox.url}/health")


def test_it_stops_while_a_sender_holds_its_connection():
    with requests.Session() as session:
        with Sandbox() as sandbox:
            session.get(f"{sandbox.url}/health")
        assert not sandbox._thread.is_alive()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_it_listens_on_ipv6():
    with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert requests.get(f"{sandbox.url}/health").status_code == 200


def test_listening_everywhere_its_address_is_this_machines():
    with Sandbox(host="0.0.0.0") as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        assert requests.get(f"{sandbox.url}/health").status_code == 200


def test_its_connections_lead_to_it(sandbox):
    settings = sandbox.settings
    addresses = {"events_url": sandbox.url, "audience_url": sandbox.url, "allow_any_host": True}
    assert sandbox.connection() == {
        "conn_type": "rokt",
        "login": settings.key,
        "password": settings.secret,
        "extra": {**addresses, "audience_api_key": settings.audience_key},
    }
    assert sandbox.connection("v3") == {
        "conn_type": "rokt",
        "login": settings.rpub,
        "password": settings.rsec,
        "extra": {**addresses, "account_id": settings.account_id},
    }
    assert sandbox.connection_extra() == sandbox.connection()["extra"]


def test_it_runs_in_a_process_of_its_own(batch):
    settings = Settings(key="k", secret="--s s", keep="counts", batches_per_second=5, errors_listed=3)
    with SandboxProcess(settings) as process:
        connection = process.connection()
        assert (connection["login"], connection["extra"]["events_url"]) == ("k", process.url)
        answer = requests.post(f"{process.url}/v2/events", json=batch("m1"), auth=("k", "--s s"))
        assert (answer.status_code, answer.headers["X-mp-rate-limit-percentage-used"]) == (202, "20")
        summary = process.ask("/sandbox/summary")
        assert (summary["unique_message_ids"], summary["readings"]["errors_listed"]) == (1, 3)
        assert process.ask("/sandbox/events")["total"] == 0
        assert process.ask("/sandbox/faults", "POST", {"kind": "reset"})[0]["kind"] == "reset"
        assert process.ask("/sandbox", "DELETE") is None
        assert process.ask("/sandbox/summary")["batches"] == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{process.url}/health")


def test_the_command_prints_connections_that_work(batch):
    fault = json.dumps({"kind": "status", "status": 503, "times": 1})
    command = [sys.executable, "-m", "airflow_provider_rokt.sandbox", "--port", "0", "--fault", fault]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        while not lines or "no real people" not in lines[-1]:
            lines.append(process.stdout.readline())
        exports = [shlex.split(line)[1].partition("=") for line in lines if line.strip().startswith("export ")]
        connections = {name: json.loads(value) for name, _, value in exports}
        first = connections["AIRFLOW_CONN_ROKT_DEFAULT"]
        auth = (first["login"], first["password"])
        url = first["extra"]["events_url"]
        statuses = [requests.post(f"{url}/v2/events", json=batch("m1"), auth=auth).status_code for _ in range(2)]
        assert statuses == [503, 202]
        key = first["extra"]["audience_api_key"]
        assert requests.get(f"{url}/api/1.0/auth-check", headers={"Authorization": key}).status_code == 200
        second = connections["AIRFLOW_CONN_ROKT_AUDIENCES"]
        auth = (second["login"], second["password"])
        body = {"accountId": second["extra"]["account_id"]}
        assert requests.post(f"{url}/v3/auth-check", json=body, auth=auth).status_code == 200
        process.terminate()
        _, errors = process.communicate()
    assert "m1" not in errors
    assert "Traceback" not in errors


def test_a_port_in_use_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "The sandbox cannot start: " in capsys.readouterr().err


def test_a_misspelt_fault_is_told(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--fault", '{"kind":"status"}'])
    assert "missing required field `status`" in capsys.readouterr().err


def test_every_setting_is_an_option():
    given = vars(parser().parse_args(["--fault", '{"kind":"status","status":503}']))
    assert given.pop("fault") == [Status(503)]
    assert {name: given[name] for name in Settings.__dataclass_fields__} == vars(Settings())


def test_readings_are_options(capsys):
    given = vars(parser().parse_args(["--index-base", "1", "--errors-listed", "10", "--age-limit=12"]))
    assert (given["index_base"], given["errors_listed"], given["age_limit"]) == (1, 10, 12)
    with pytest.raises(SystemExit):
        parser().parse_args(["--request-id-remembered", "reciept"])
    assert "invalid choice: 'reciept'" in capsys.readouterr().err
    assert main(["--port", "0", "--errors-listed", "0"]) == 1
    assert "errors_listed is 0; it may be all or a number from 1" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_is_told_with_what_to_install(missing):
    """Run where the module cannot be found; the rest of the package imports all the same."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from airflow_provider_rokt.sandbox.__main__ import main\n"
        "sys.exit(main(['--port', '0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("pip install airflow-provider-rokt[sandbox]")
    assert "Traceback" not in done.stderr
