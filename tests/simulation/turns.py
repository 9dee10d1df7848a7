"""One seed of another kind: runs of one sync that leaves out what was sent, begun at about the same time.

They are threads of one simulated process, so a kill is the end of both; a later run makes good what is missing.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf
from random import Random
from typing import Final

from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.delivery.run import DeliveryRun
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from tests.simulation.disk import PART_LINES, Disk, MemoryFolder
from tests.simulation.listening import listening
from tests.simulation.network import Network
from tests.simulation.outcome import Outcome
from tests.simulation.plan import Plan
from tests.simulation.remembering import Remembering
from tests.simulation.rokt_model import Reading, RoktModel
from tests.simulation.scheduler import World
from tests.simulation.shop import GOOD, ShopSource, make_stream
from tests.simulation.weather import Weather

_RUNS: Final = ("monday", "tuesday")
_LAST: Final = "wednesday"


class Turns:
    """One seed's world.

    :param say: takes the trace, line by line.
    :ivar struck: what befell it.
    """

    def __init__(self, rng: Random, say: Callable[[str], None] | None = None) -> None:
        plan = replace(Plan.of(rng), memory="new", ending=rng.choice(("", "kill")), min_rows=0, budget=60.0)
        # To find what is wrong, what is right is sent again: that is another seed's.
        sales = tuple(sale for sale in plan.sales if sale.kind in (*GOOD, "invalid"))
        self._rng, self._plan = rng, replace(plan, sales=sales)
        self.world = World(rng, interleaving=plan.interleaving, say=say)
        self._rokt = RoktModel(rng, Reading())
        weather = Weather(rng, self.world.true_utc, plan.timeout, plan.budget, honest=True)
        self._network = Network(self.world, self._rokt, weather, plan.timeout)
        self._network.connect(calm=True)
        self._disk = Disk(self.world, rng, plan.slow_disk)
        self._memory = Remembering(self._plan, self._disk, self.world)
        self._at_work: set[str] = set()
        self._errors: dict[str, BaseException | None] = {}
        self.broken: list[str] = []

    def go(self) -> list[str]:
        """Plays it; what did not hold."""
        if self._plan.ending == "kill":
            self.world.ends_at_step = self._plan.at_step
        with listening():
            self.world.run(self._both)
            self.world.linger(200.0)
            self.world.ends_at_step = inf
            self._at_work.clear()
            self.world.run(partial(self._run, _LAST, 0.0))
            self.world.linger(200.0)
        self._judge()
        return self.broken

    def _both(self) -> None:
        for name in _RUNS:
            self.world.start(partial(self._run, name, self._rng.choice((0.0, 0.01, 3.0))), name)
        self.world.wait(lambda: len(self._errors) == len(_RUNS), 10_000.0)

    def _run(self, name: str, seconds: float) -> None:
        self.world.sleep(seconds)
        try:
            with self._memory.join(name, 1) as sync:
                self._send(name, sync)
        except Exception as error:
            self._errors[name] = error
        else:
            self._errors[name] = None

    def _send(self, name: str, sync: SyncDelivery) -> None:
        if self._at_work:
            self.broken.append(f"{name} is at work beside {self._at_work}")
        self._at_work.add(name)
        plan, outcome = self._plan, Outcome(0, {}, frozenset(), 0, 1.0, 1.0, 1)
        run = DeliveryRun(
            ShopSource(self.world, plan.sales, plan.window, plan.slow_source),
            lambda columns: make_stream(
                columns,
                plan.per_request,
                grouped=plan.grouped,
                real=False,
                whole=False,
                salt=sync.salt,
                recall=self._memory.recall(sync, outcome),
            ),
            lambda: self._begin(name, sync),
        )
        report = run.run()
        self._memory.end(sync, report)
        self._at_work.discard(name)

    def _begin(self, name: str, sync: SyncDelivery) -> Delivery:
        sync.begin(name)
        header = DeliveryHeader(delivery_id=name, operation="conversions", started_at="", sender={}, options={})
        return Delivery(
            self._network.post,
            LedgerWriter(MemoryFolder(self._disk, name, appends=self._plan.appends), header),
            concurrency=self._plan.concurrency,
            pacer=Pacer(self._plan.rate, threads=self.world),
            retry=RetryPolicy(self._plan.budget),
            cut=self._network.cut,
            announce=sync.announce,
            remember=sync.remember,
            on_refusal=sync.refused,
            threads=self.world,
        )

    def _judge(self) -> None:
        """Every row is at Rokt, and what was sent twice was in flight when everything ended."""
        self.broken += [f"{name} ended with {error!r}" for name, error in self._errors.items() if error]
        self.broken += [f"a thread ended with {crash!r}" for crash in self.world.crashes]
        good = {sale.number for sale in self._plan.sales if sale.kind in GOOD}
        if missing := good - set(self._rokt.held):
            self.broken.append(f"rows {sorted(missing)[:5]} are not at Rokt")
        attempts = self._network.attempts
        twice = {row for row, times in self._rokt.taken.items() if times > 1}
        lines = 2 * self._plan.concurrency + (0 if self._plan.appends else PART_LINES)
        most = lines * max([len(attempt.rows) for attempt in attempts], default=0)
        if len(twice) > (most if self._plan.ending == "kill" else 0):
            self.broken.append(f"rows {sorted(twice)[:5]} were sent twice")
