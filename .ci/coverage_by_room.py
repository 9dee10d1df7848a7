"""How much of each room of the package the tests ran, lines and branches; fails below the floor for all of it.

python .ci/coverage_by_room.py     after: python -m coverage run -m pytest
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = "airflow_provider_rokt"


def measured() -> dict[str, Counter[str]]:
    """Room -> what coverage counted in it; modules that lie loose are one room."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "--fail-under=0", "-o", str(report)]
        subprocess.run(command, cwd=ROOT, check=True)
        files = json.loads(report.read_text())["files"]
    rooms: dict[str, Counter[str]] = {}
    for name, file in files.items():
        inside = Path(name).relative_to(PACKAGE).parts
        room = rooms.setdefault(inside[0] if len(inside) > 1 else "(loose)", Counter())
        room.update({key: count for key, count in file["summary"].items() if isinstance(count, int)})
    return rooms


def percent(counts: Counter[str]) -> float:
    """As coverage itself counts: lines and branches alike."""
    total = counts["num_statements"] + counts["num_branches"]
    return 100 * (counts["covered_lines"] + counts["covered_branches"]) / total if total else 100.0


def main() -> int:
    floor = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["report"]["fail_under"]
    rooms = measured()
    total: Counter[str] = sum(rooms.values(), Counter())
    print(f"{'room':<12} {'lines':>6} {'missed':>6} {'branches':>8} {'missed':>6} {'covered':>8}")
    for name, counts in [*sorted(rooms.items()), ("all", total)]:
        print(
            f"{name:<12} {counts['num_statements']:>6} {counts['missing_lines']:>6}"
            f" {counts['num_branches']:>8} {counts['missing_branches']:>6} {percent(counts):>7.1f}%"
        )
    if percent(total) < floor:
        print(f"The tests ran less of the package than the floor of {floor}%", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
