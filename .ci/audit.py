"""Asks OSV, by way of pip-audit, whether a pinned version of what we require is known to be vulnerable; fails if so.

python .ci/audit.py                      where OSV cannot be reached it says so in one line, and passes
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
OSV = "https://api.osv.dev/v1/query"
AUDITOR = "pip-audit==2.10.1"


def required() -> set[str]:
    """The names of what pyproject.toml requires, extras included; what these require is Airflow's to audit."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    return {_plain(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in wanted}


def pinned(names: set[str]) -> Iterator[str]:
    """The lines of constraints.txt that pin them."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if _plain(line.partition("==")[0]) in names:
            yield line


def reachable(url: str) -> str | None:
    """Why the service cannot be asked; None if it can."""
    question = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(question, timeout=10).close()
    except urllib.error.HTTPError as answer:
        # It refuses an empty question, and is there.
        return None if answer.code == 400 else str(answer)
    except OSError as error:
        return str(error)
    return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def main(url: str) -> int:
    names = required()
    pins = list(pinned(names))
    if missing := names - {_plain(pin.partition("==")[0]) for pin in pins}:
        sys.exit(f"constraints.txt pins no {', '.join(sorted(missing))}: make pins")
    if why := reachable(url):
        print(f"NOT AUDITED: {url} cannot be asked ({why})")
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        command = [str(Path(sys.executable).with_name("uv")), "tool", "run", "--quiet", AUDITOR, "--no-deps"]
        command += ["--disable-pip", "--progress-spinner", "off", "--vulnerability-service", "osv", "--osv-url", url]
        return subprocess.run([*command, "--requirement", file.name]).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--osv-url", default=OSV)
    sys.exit(main(parser.parse_args().osv_url))
