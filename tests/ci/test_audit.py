"""What ``make audit`` asks about, and what it says where there is nobody to ask."""

import subprocess
import sys
from pathlib import Path

AUDIT = Path(__file__).parents[2] / ".ci" / "audit.py"


def test_where_nobody_can_be_asked_it_says_so_in_one_line_and_passes() -> None:
    command = [sys.executable, str(AUDIT), "--osv-url", "http://127.0.0.1:1/v1/query"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("NOT AUDITED: http://127.0.0.1:1/v1/query cannot be asked")


def test_it_asks_about_what_we_require_in_the_version_that_is_pinned() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(AUDIT.parent)!r}); import audit; print(*audit.pinned(audit.required()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    asked = done.stdout.split()
    assert {pin.partition("==")[0] for pin in asked} == {
        *("apache-airflow", "apache-airflow-providers-common-compat", "apache-airflow-providers-common-sql"),
        *("jsonschema", "jsonschema-rs", "msgspec", "phonenumbers", "requests", "tenacity", "starlette", "uvicorn"),
    }
    assert all("==" in pin for pin in asked)
