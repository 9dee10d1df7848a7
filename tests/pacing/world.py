"""Workers that share an account, simulated event by event: no thread, no clock, no sleep; the product's own law."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from airflow_provider_rokt.api.pace import Departure, Pace
from tests.pacing.servers import WAYS, Verdict, jain_of


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is simulated.

    :param way: how the server counts, of :data:`~tests.pacing.servers.WAYS`.
    :param told: whether answers tell what is used, in whole percent.
    :param cap: the server's; ``own_cap`` is what the workers were told.
    :param stagger: seconds from one worker's start to the next one's, and up to a third of a second beside it.
    :param latency: from a request's start to its answer; each worker draws its own.
    :param jitter: mean of what the way to the server takes longer, exponential; that back has a fifth of the latency.
    :param threads: of each worker.
    :param caps: when, in seconds, the server's cap becomes another one.
    :param others: batches a second of somebody who keeps no pace.
    """

    workers: int = 1
    way: str = "sliding"
    told: bool = True
    seconds: float = 120.0
    cap: int = 270
    own_cap: float = 270.0
    stagger: float = 0.0
    latency: tuple[float, float] = (0.02, 0.2)
    jitter: float = 0.002
    threads: int = 4
    caps: tuple[tuple[float, int], ...] = ()
    others: float = 0.0
    seed: int = 0


@dataclass
class Seen:
    """What the server let through and refused, and what left: time since the beginning, worker, batches."""

    case: Case
    passed: list[tuple[float, int, int]] = field(default_factory=list)
    refused: list[tuple[float, int, int]] = field(default_factory=list)
    departed: list[tuple[float, int, int]] = field(default_factory=list)

    def rate(self, start: float, end: float) -> float:
        """Batches a second that came through from one time to the other."""
        return sum(batches for at, _, batches in self.passed if start <= at < end) / (end - start)

    def share(self, start: float, end: float) -> float:
        """... as a share of the cap."""
        return self.rate(start, end) / self.case.cap

    def refusals(self, start: float, end: float) -> float:
        """Which share of the requests were answered 429."""
        refused, passed = (sum(start <= at < end for at, *_ in some) for some in (self.refused, self.passed))
        return refused / max(1, refused + passed)

    def jain(self, start: float, end: float) -> float:
        """How fairly the workers shared what came through."""
        sums = [0.0] * self.case.workers
        for at, worker, batches in self.passed:
            if start <= at < end:
                sums[worker] += batches
        return jain_of(sums)

    def peak(self) -> int:
        """The most batches that one worker let leave in any second."""
        most = 0
        for worker in range(self.case.workers):
            second: deque[tuple[float, int]] = deque()
            total = 0
            for at, _, batches in (one for one in self.departed if one[1] == worker):
                second.append((at, batches))
                total += batches
                while second[0][0] <= at - 1.0:
                    total -= second.popleft()[1]
                most = max(most, total)
        return most


class World:
    """Time, and what is to happen."""

    def __init__(self, case: Case) -> None:
        self.case, self.rng, self.seen = case, Random(case.seed), Seen(case)
        self.server = WAYS[case.way](case.cap)
        # Whole seconds begin anywhere.
        self._begin = self.now = self.rng.uniform(1000, 1001)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.now - self._begin

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        """Lets something happen later."""
        heapq.heappush(self._due, (self.now + seconds, next(self._number), happens))

    def run(self) -> Seen:
        """Lets everything happen."""
        case = self.case
        for number in range(case.workers):
            worker = Worker(self, number)
            self.after(number * case.stagger + (self.rng.uniform(0, 0.3) if case.workers > 1 else 0), worker.start)
        for when, cap in case.caps:
            self.after(when, lambda cap=cap: setattr(self.server, "cap", cap))  # type: ignore[misc]
        if case.others:
            self._other()
        while self._due and self._due[0][0] < self._begin + case.seconds:
            self.now, _, happens = heapq.heappop(self._due)
            happens()
        return self.seen

    def _other(self) -> None:
        self.server.ask(self.now, 3)
        self.after(self.rng.expovariate(self.case.others / 3), self._other)


@dataclass(slots=True)
class Job:
    """A request that one of a worker's threads is about, and the rest of the one it is a part of."""

    size: int
    rest: list[int] = field(default_factory=list)


class Worker:
    """A delivery that never runs out of rows, with the engine's threads and its few requests that are packed ahead."""

    def __init__(self, world: World, number: int) -> None:
        self._world, self._number, self._rng = world, number, world.rng
        self._latency = self._rng.uniform(*world.case.latency)
        self._packed: deque[int] = deque()
        self._turn: deque[Job] = deque()
        self._in_flight, self._free = 0, world.case.threads
        self._is_asleep = False

    def start(self) -> None:
        """Begins."""
        self.pace = Pace(self._world.case.own_cap, self._world.now, self._world.case.threads)
        self._fill()

    def _fill(self) -> None:
        # One on its way and one ready for each thread.
        while self._in_flight < 2 * self._world.case.threads:
            self._packed.append(self.pace.size)
            self._in_flight += 1
        while self._free and self._packed:
            self._free -= 1
            self._turn.append(Job(self._packed.popleft()))
        self._look()

    def _look(self) -> None:
        """Whose turn it is leaves, or waits on."""
        while self._turn:
            job = self._turn[0]
            while self.pace.is_too_large(job.size):
                job.rest.append(job.size - job.size // 2)
                job.size //= 2
            if (seconds := self.pace.delay(self._world.now, job.size)) > 0:
                if not self._is_asleep:
                    self._is_asleep = True
                    # A thread wakes half a millisecond late.
                    self._world.after(min(seconds, 0.25) + self._rng.expovariate(2000.0), self._wake)
                return
            self._leave(self._turn.popleft())

    def _wake(self) -> None:
        self._is_asleep = False
        self._look()

    def _leave(self, job: Job) -> None:
        world = self._world
        departure = self.pace.depart(world.now, job.size)
        world.seen.departed.append((world.elapsed, self._number, job.size))
        way = 0.4 * self._latency + self._rng.expovariate(1 / world.case.jitter)
        world.after(way, lambda: self._arrive(departure, job))

    def _arrive(self, departure: Departure, job: Job) -> None:
        world = self._world
        verdict = world.server.ask(world.now, job.size)
        counted = world.seen.refused if verdict.exceeded else world.seen.passed
        counted.append((world.elapsed, self._number, job.size))
        back = 0.4 * self._latency + self._rng.expovariate(1 / (0.2 * self._latency))
        world.after(back, lambda: self._answer(departure, job, verdict))

    def _answer(self, departure: Departure, job: Job, verdict: Verdict) -> None:
        now = self._world.now
        if verdict.exceeded:
            self.pace.refused(now, departure, verdict.exceeded)
            self._world.after(verdict.retry_after + self._rng.uniform(0, 0.5), lambda: self._again(job))
            return
        used = int(100 * verdict.used) / 100 if self._world.case.told and verdict.used is not None else None
        self.pace.accepted(now, departure, used)
        if job.rest:
            self._again(Job(job.rest.pop(), job.rest))
            return
        self._in_flight -= 1
        self._free += 1
        self._fill()

    def _again(self, job: Job) -> None:
        self._turn.append(job)
        self._look()
