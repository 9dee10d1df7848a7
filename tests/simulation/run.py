"""One seed: a delivery that things befall, perhaps a second one, then one that nothing befalls; what did not hold."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from random import Random
from typing import Any

from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.delivery.run import DeliveryRun, Held
from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.gate import Gate
from airflow_provider_rokt.flow.mark import Recall
from airflow_provider_rokt.flow.stream import ColumnNames
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from tests.simulation.checker import broken, repaired
from tests.simulation.disk import Disk, MemoryFolder
from tests.simulation.listening import listening
from tests.simulation.network import Network
from tests.simulation.outcome import Outcome
from tests.simulation.plan import Plan
from tests.simulation.remembering import Remembering
from tests.simulation.rokt_model import TROUBLES, Reading, RoktModel
from tests.simulation.scheduler import StuckError, World, WorldEnded
from tests.simulation.shop import GOOD, MARKER, ShopSource, make_stream
from tests.simulation.turns import Turns
from tests.simulation.weather import Weather

# One seed in so many is of two runs at once.
_TURNS_EVERY = 20


class AlarmError(BaseException):
    """As Airflow's timeout comes: out of a signal handler, and no Exception."""


@dataclass
class Seed:
    """What came of one.

    :param broken: what did not hold.
    :param digest: the same for the same run only.
    :param struck: what befell it, how often.
    """

    number: int
    broken: list[str] = field(default_factory=list)
    digest: str = ""
    struck: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    seconds: float = 0.0


class Simulation:
    """One seed's world.

    :param say: takes the trace, line by line.
    """

    def __init__(self, seed: int, say: Callable[[str], None] | None = None) -> None:
        self._seed = Seed(seed)
        self._rng = Random(seed)
        # tenacity draws its jitter from here.
        random.seed(seed)
        self._plan = plan = Plan.of(self._rng)
        self._world = World(self._rng, interleaving=plan.interleaving, say=say)
        self._reading = reading = Reading.of(self._rng)
        self._rokt = RoktModel(self._rng, reading)
        weather = Weather(self._rng, self._world.true_utc, plan.timeout, plan.budget, honest=reading.notes_at_arrival)
        self._network = Network(self._world, self._rokt, weather, plan.timeout)
        self._disk = Disk(self._world, self._rng, plan.slow_disk)
        self._memory = Remembering(plan, self._disk, self._world) if plan.memory else None
        self._outcomes: list[Outcome] = []
        self._struck_at: tuple[float, float] | None = None
        self._is_alarmed = self._is_stopped = False
        self._run: DeliveryRun | None = None
        self._sync: SyncDelivery | None = None
        if say:
            shown = {name: value for name, value in vars(plan).items() if name != "sales"}
            say(f"{shown}, {reading}, {len(plan.sales)} rows {dict(Counter(sale.kind for sale in plan.sales))}")

    def go(self) -> Seed:
        """Runs all tries and checks them."""
        world, plan = self._world, self._plan
        found: list[str] = []
        try:
            self._prepare()
            found += broken(self._deliver("first", calm=False), MARKER)
            for number in range(1, plan.tries):
                self._mend()
                world.ends_at_step = world.steps + plan.at_step
                found += [f"another try: {text}" for text in broken(self._deliver(f"try-{number}", calm=False), MARKER)]
            self._mend()
            last = self._deliver("second", calm=True)
            found += [f"last try: {text}" for text in (*broken(last, MARKER), *repaired(last))]
        except StuckError as error:
            found.append(f"{error} ({plan.ending or 'no'} strike)")
        except Exception as error:
            found.append(f"the simulation fell over: {type(error).__name__}: {error}")
        self._seed.broken = list(dict.fromkeys(found))
        self._seed.struck += self._network.struck
        self._seed.steps = world.steps
        self._seed.digest = self._digest()
        return self._seed

    def _prepare(self) -> None:
        plan, world = self._plan, self._world
        world.clock_is_off = timedelta(seconds=plan.clock_is_off)
        if plan.clock_is_off:
            self._seed.struck["clock off"] += 1
        if plan.ending == "kill":
            world.ends_at_step = plan.at_step
        elif plan.ending == "pause":
            world.strike(plan.at_step, self._pause)
        elif plan.ending not in ("", "source"):
            world.strike(plan.at_step, self._strike)
        if plan.ending == "stop, then alarm":
            world.strike(plan.at_step + self._rng.randint(1, 200), self._alarm)
        self._disk.fails_at, self._disk.failure = plan.fails_at, plan.failure
        self._disk.lasts = self._rng.random() < 0.7

    def _mend(self) -> None:
        self._disk.fails_at, self._disk.lasts = 0, False
        self._disk.has_failed = False
        self._world.clock_is_off, self._world.ends_at_step = timedelta(), inf

    def _pause(self) -> None:
        self._seed.struck["pause"] += 1
        self._world.note("the process stands still")
        self._world.pause(self._rng.choice((0.5, 20.0, 1000.0)))

    def _strike(self) -> None:
        ending = self._plan.ending
        self._seed.struck[ending] += 1
        self._struck_at = (self._world.time, self._world.idle)
        self._world.note(f"strikes: {ending}")
        if ending != "alarm":
            self._stop()
        if ending in ("stop and alarm", "alarm"):
            self._is_alarmed = True
            raise AlarmError

    def _stop(self) -> None:
        """As a run of an operation does."""
        self._is_stopped = True
        if self._sync:
            self._sync.stop()
        if self._run:
            self._run.stop()

    def _alarm(self) -> None:
        self._world.note("the alarm goes off")
        self._is_alarmed = True
        raise AlarmError

    def _deliver(self, name: str, *, calm: bool) -> Outcome:
        plan, world = self._plan, self._world
        attempts, arrivals = len(self._network.attempts), len(self._rokt.arrivals)
        self._network.connect(calm=calm)
        self._struck_at, self._run, self._sync, self._is_stopped = None, None, None, False
        folder = MemoryFolder(self._disk, name, appends=plan.appends)
        outcome = self._outcome(1 if calm else 0)
        with listening() as logs:
            report, error = world.run(lambda: self._drive(folder, outcome, calm=calm))
            outcome.ended = world.time
            self._note_end(outcome, error, calm=calm)
            outcome.report = report or getattr(error, "report", None)
            # Longer than any look-up of a name.
            outcome.left = 0 if outcome.ending == "kill" else world.linger(200.0)
            outcome.logs = logs.texts()
        outcome.error, outcome.crashes = error, tuple(world.crashes)
        outcome.attempts = self._network.attempts[attempts:]
        outcome.arrivals = self._rokt.arrivals[arrivals:]
        outcome.held = self._rokt.held
        before = {name for earlier in outcome.before for attempt in earlier.attempts for name in attempt.names}
        outcome.burnt = frozenset(before & self._rokt.burnt)
        outcome.files = {
            path.partition("/")[2]: bytes(data)
            for path, data in self._disk.files.items()
            if path.startswith(f"{name}/")
        }
        outcome.disk_failed = self._disk.has_failed
        outcome.is_forgotten = self._disk.has_failed and self._disk.failure == "folder gone"
        outcome.ledger_failed = any(path.startswith(f"{name}/") for path in self._disk.failed)
        if self._disk.has_failed:
            self._seed.struck[self._disk.failure] += 1
        outcome.read = self._read(folder, name, outcome)
        self._outcomes.append(outcome)
        return outcome

    def _outcome(self, run: int) -> Outcome:
        plan = self._plan
        sent = {
            sale.number: "good" if sale.kind in GOOD else "bad"
            for sale in plan.sales
            if sale.kind in (*GOOD, *TROUBLES)
        }
        return Outcome(
            run=run,
            sent=sent,
            invalid=frozenset(sale.number for sale in plan.sales if sale.kind == "invalid"),
            skipped=sum(sale.kind == "repeat" for sale in plan.sales),
            rate=plan.rate,
            budget=self._budget(run),
            concurrency=plan.concurrency,
            remembers=self._memory is not None,
            is_new=plan.memory == "new",
            before=tuple(self._outcomes),
            held_before=frozenset(self._rokt.held),
            appends=plan.appends,
        )

    def _budget(self, run: int) -> float:
        return 600.0 if run else self._plan.budget

    def _note_end(self, outcome: Outcome, error: BaseException | None, *, calm: bool) -> None:
        self._world.note(f"ends with {type(error).__name__}: {error}")
        outcome.clock_is_off = bool(self._world.clock_is_off)
        outcome.is_paused = bool(self._seed.struck["pause"]) and not calm
        if isinstance(error, WorldEnded):
            outcome.ending = "kill"
            self._seed.struck["kill"] += 1
        elif self._struck_at:
            time, idle = self._struck_at
            outcome.ending = "stop" if self._plan.ending.startswith("stop") and not self._is_alarmed else "alarm"
            outcome.ended_in = (self._world.time - time) - (self._world.idle - idle)
        elif type(error).__name__ == "ShopError":
            outcome.ending = "source"
            self._seed.struck["source"] += 1

    def _drive(self, folder: MemoryFolder, outcome: Outcome, *, calm: bool) -> object:
        if self._memory is None:
            # Where a refusal uses up an id, a try with the same ids cannot tell what an earlier one was refused.
            salt = b"another" if calm and self._reading.notes_at_arrival else b"same"
            return self._sent(folder, salt, lambda _: None, calm=calm).summary()
        run_id = "tuesday" if calm and self._plan.next_run else "monday"
        self._sync = self._memory.join(run_id, len(self._outcomes) + 1)
        if self._is_stopped:
            self._sync.stop()
        with self._sync as sync:
            report = self._sent(folder, sync.salt, self._memory.recall(sync, outcome), calm=calm)
            self._memory.end(sync, report)
        return report.summary()

    def _sent(self, folder: MemoryFolder, salt: bytes, recall: Recall, *, calm: bool) -> Report:
        plan, world = self._plan, self._world
        fails_at = len(plan.sales) * 2 // 3 if plan.ending == "source" and not calm else 0
        source = ShopSource(world, plan.sales, plan.window, 0.0 if calm else plan.slow_source, fails_at)
        min_rows = 0 if calm else plan.min_rows
        hold = min_rows if min_rows <= plan.window else 0
        how: dict[str, Any] = {"grouped": plan.grouped, "real": plan.real, "whole": plan.whole}
        with ExitStack() as stack:

            def make(columns: ColumnNames) -> Held:
                stream = make_stream(columns, plan.per_request, **how, salt=salt, recall=recall)
                return Held(stack.enter_context(closing(stream)), min_rows, hold, plan.whole, Gate())

            self._run = DeliveryRun(source, make, lambda: self._begin(folder, 1 if calm else 0))
            if self._is_stopped:
                self._run.stop()
            return self._run.run()

    def _begin(self, folder: MemoryFolder, run: int) -> Delivery:
        plan, sync = self._plan, self._sync
        if sync:
            sync.begin(f"run-{len(self._outcomes)}")
        header = DeliveryHeader(
            delivery_id=folder.uri.rpartition("/")[2],
            operation="conversions",
            started_at="2026-03-01T00:00:00+00:00",
            sender={},
            options={},
        )
        return Delivery(
            self._network.post,
            LedgerWriter(folder, header),
            concurrency=plan.concurrency,
            pacer=Pacer(plan.rate, threads=self._world),
            retry=RetryPolicy(self._budget(run)),
            cut=self._network.cut,
            announce=sync.announce if sync else lambda _: None,
            remember=sync.remember if sync else lambda _: None,
            on_refusal=sync.refused if sync else lambda: None,
            threads=self._world,
        )

    def _read(self, folder: MemoryFolder, name: str, outcome: Outcome) -> str:
        """What is wrong with how the ledger's reader reads it; ``""`` for nothing."""
        reader = LedgerReader(folder, name)
        try:
            list(reader.requests()), list(reader.rows()), list(reader.dropped())
            report = reader.report()
            if report is not None and outcome.report is not None and report["rows_read"] != outcome.report["rows_read"]:
                return "its report is another one"
            if report is not None:
                _ = reader.header
        except RoktLedgerError as error:
            # One whose writer was gone before its first line stood says so.
            return f"{type(error).__name__}: {error}" if outcome.records and not outcome.disk_failed else ""
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def _digest(self) -> str:
        files = {
            path: hashlib.sha256(bytes(data)).hexdigest()
            for path, data in sorted(self._disk.files.items())
            # Of the real clock, or of a chance that no seed tells.
            if "report.jsonl" not in path and "_syncs/" not in path
        }
        held = sorted(self._rokt.held.items())
        whole = json.dumps([self._world.digest, self._world.time, files, held, self._seed.broken])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


def simulate(seed: int, say: Callable[[str], None] | None = None) -> Seed:
    """Runs one seed."""
    return _turns(seed, say) if seed % _TURNS_EVERY == _TURNS_EVERY - 1 else Simulation(seed, say).go()


def _turns(number: int, say: Callable[[str], None] | None) -> Seed:
    random.seed(number)
    turns = Turns(Random(number), say)
    seed = Seed(number)
    try:
        turns.go()
    except StuckError as error:
        turns.broken.append(str(error))
    seed.broken = list(dict.fromkeys(turns.broken))
    seed.steps, seed.struck["runs at once"] = turns.world.steps, 1
    whole = json.dumps([turns.world.digest, turns.world.time, seed.broken])
    seed.digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return seed
