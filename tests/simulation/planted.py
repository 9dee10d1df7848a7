"""Bugs planted into a copy of the package, to see that seeds find them."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent.parent.parent / "airflow_provider_rokt"


@dataclass(frozen=True)
class Bug:
    """One place of the package, written wrong.

    :param name: what is wrong then.
    :param file: below the package.
    :param right: stands there exactly once.
    """

    name: str
    file: str
    right: str
    wrong: str

    def plant(self, folder: Path) -> None:
        """Makes a copy of the package and of the simulation that has it."""
        shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(Path(__file__).parent, folder / "tests" / "simulation")
        file = folder / PACKAGE.name / self.file
        text = file.read_text()
        assert text.count(self.right) == 1, f"{self.right!r} stands {text.count(self.right)} times in {self.file}"
        file.write_text(text.replace(self.right, self.wrong))


def seeds_until_found(folder: Path, most: int) -> tuple[int, str]:
    """How many seeds the copy in a folder takes until one breaks an invariant, and which; 0 for none."""
    command = [sys.executable, "-m", "tests.simulation", str(most), "--first", "--processes", "1"]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder), "PATH": ""}, capture_output=True, text=True, check=False
    )
    found = re.search(r"^BROKEN (\d+)@\S*: (.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == bool(found), done.stderr
    return (int(found[1]) + 1, found[2]) if found else (0, "")


_RECORD_EARLY: Final = """
        from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord

        numbers = [row.number for batch in request.batches for row in batch.rows]
        verdicts = tuple(VerdictRecord(Outcome.ACCEPTED, 202, len(batch.rows)) for batch in request.batches)
        first, last = min(numbers), max(numbers)
        self._ledger.request(RequestRecord(1, "v2/bulkevents", 202, 1, 1, 0.0, first, last, verdicts))
        self._engine.submit(request)"""

_REMEMBER_EARLY: Final = """
        self._remember(b"".join(batch.marks for batch in request.batches))
        self._engine.submit(request)"""

BUGS: Final = (
    Bug(
        "nobody looks whether another run is at work",
        "turns/turn.py",
        "            self._lease_of(name).require_free()\n",
        "            pass\n",
    ),
    Bug(
        "whose turn it is is looked up before it is said who is there",
        "turns/turn.py",
        "        self._lease.take()\n        try:\n            self._require_alone()\n",
        "        self._lease.take()\n        try:\n            pass\n",
    ),
    Bug(
        "rows are remembered before their verdict",
        "delivery/delivery.py",
        "\n        self._engine.submit(request)",
        _REMEMBER_EARLY,
    ),
    Bug(
        "what is unconfirmed is remembered",
        "delivery/settlement.py",
        "                if verdict.confirmed:\n                    self.marks.append(batch.marks)\n"
        "                else:\n",
        "                self.marks.append(batch.marks)\n                if not verdict.confirmed:\n",
    ),
    Bug(
        "marks are kept back until the end",
        "syncs/trails.py",
        "    def write(self, marks: bytes) -> None:\n"
        '        """Adds marks of rows that Rokt took, end to end."""\n        self._lines.write([marks])\n\n'
        '    def close(self) -> None:\n        """Ends it."""\n',
        "    held = b''\n\n    def write(self, marks: bytes) -> None:\n        self.held += marks\n\n"
        "    def close(self) -> None:\n        self._lines.write([self.held])\n        self.held = b''\n",
    ),
    Bug(
        "a task that succeeded is taken for a try of the next one",
        "syncs/tries.py",
        "if trail in unnoticed or not trail.is_done()]",
        "]",
    ),
    Bug(
        "a retry keeps the ids of what was refused",
        "syncs/tries.py",
        "if not salts or salts[0][0].is_refused():",
        "if not salts:",
    ),
    Bug(
        "nobody notes what is about to be sent",
        "syncs/sync_delivery.py",
        "            self._trail.announce(marks)\n",
        "            pass\n",
    ),
    Bug(
        "a failed batch is counted twice",
        "delivery/settlement.py",
        "booked.extend(RowFault(row, verdict.faults, exchange.status) for row in batch.rows)",
        "booked.extend([RowFault(row, verdict.faults) for row in batch.rows] * (2 if booked is self.failed else 1))",
    ),
    Bug(
        "a foreign 200 is believed",
        "answers/meanings.py",
        "Meaning(_SUCCESS, ROKTS, Ruling.TAKEN",
        "Meaning(_SUCCESS, _ANY, Ruling.TAKEN",
    ),
    Bug(
        "the rows of a request that was cut are forgotten",
        "delivery/settlement.py",
        "booked.extend(RowFault(row, verdict.faults, exchange.status) for row in batch.rows)",
        "booked.extend(RowFault(r, verdict.faults) for r in batch.rows if 'on its way' not in str(verdict.faults))",
    ),
    Bug(
        "what fills no request is never sent",
        "delivery/run.py",
        "            self._hand_over(self._delivery, self._stream.flush())\n",
        "",
    ),
    Bug(
        "an error is laid to the next batch",
        "answers/verdicts.py",
        "return owner if stands or",
        "return (owner + 1) % len(request.batches) if stands or",
    ),
    Bug("a 429 holds its own request alone", "delivery/exchange.py", "self._pacer.hold(seconds)", "pass"),
    Bug(
        "the ledger records a request before its verdict",
        "delivery/delivery.py",
        "\n        self._engine.submit(request)",
        _RECORD_EARLY,
    ),
    Bug(
        "what is given up gets no settlement",
        "delivery/engine.py",
        "yield from self._settled(number, self._give_up(self._in_flight[number]))",
        "yield from self._settled(number, Settlement())",
    ),
    Bug(
        "a wait that is longer than the budget is cut short",
        "api/retry.py",
        "threads.now() + _asked(state, threads.utc()) >= deadline",
        "threads.now() >= deadline",
    ),
    Bug(
        "a request is submitted twice",
        "delivery/engine.py",
        "self._jobs.put((self._submitted, request))",
        "self._jobs.put((self._submitted, request)), self._jobs.put((self._submitted, request))",
    ),
    Bug(
        "an error that leads nowhere is overlooked",
        "answers/verdicts.py",
        "is_all = all_of_them and len(refusals) % _ROUND",
        "is_all = True",
    ),
    Bug("one half of what is open is lost", "delivery/settlement.py", "if half]", "if half][:1]"),
    Bug("the brake does not stop", "delivery/brake.py", "MOST_IN_VAIN: Final = 200", "MOST_IN_VAIN: Final = 2000"),
    Bug(
        "a second is half a second",
        "api/pace.py",
        "span = 1.0 + self._margin",
        "span = 0.5 * (1.0 + self._margin)",
    ),
    Bug("a stop waits for what is on its way", "delivery/engine.py", "if self._until is None:\n", "if False:\n"),
    Bug(
        "a thread goes on when the delivery is over",
        "delivery/engine.py",
        "while not self._closed:",
        "while True:",
    ),
    Bug(
        "the turn is taken before the halt is looked at",
        "api/pacing.py",
        "return None if stop.is_set() else self._depart(batches)",
        "return self._depart(batches)",
    ),
)
