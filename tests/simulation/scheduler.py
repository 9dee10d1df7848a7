"""A world on one seed: its clock, its threads and whatever they wait for, so that a run can be had again exactly.

Each simulated thread is a greenlet, and exactly one runs. Whoever waits, and whoever does anything that others can see,
hands over to the scheduler, which picks who goes on, or moves the clock to where somebody does, by the seed alone.
"""

import heapq
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from random import Random
from typing import Any, Final

from greenlet import getcurrent, greenlet

from tests.simulation.waiting import Flag, Lock, Mailbox

# How long a step takes at most, and a thread that the operating system forgets for a moment.
STEP_SECONDS: Final = 1e-4
HICCUP_SECONDS: Final = 0.04
_EPOCH: Final = datetime(2026, 3, 1, tzinfo=UTC)


class WorldEnded(BaseException):
    """The process is gone: whoever catches this still gets nothing done."""


class StuckError(Exception):
    """Nothing can go on, or everything goes on for ever."""


class _Thread:
    __slots__ = ("greenlet", "is_ready", "name", "number", "wakes_at")

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.greenlet: greenlet = None
        self.is_ready: Callable[[], bool] = bool
        self.wakes_at = 0.0


class World:
    """Implements :class:`~airflow_provider_rokt.flow.threads.Threads`.

    :param interleaving: how often whoever looks at the clock lets others go first.
    :param most_steps: more are an endless run.
    :ivar steps: so far, of all threads.
    :ivar digest: equal for two runs only if all their steps are.
    :ivar crashes: what ended threads other than the main one.
    :ivar idle: seconds that the main thread spent on what is no business of the code under test.
    """

    def __init__(
        self,
        rng: Random,
        *,
        interleaving: float = 0.0,
        most_steps: int = 200_000,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.rng = rng
        self.time = 1000.0
        self.clock_is_off = timedelta()
        self.steps = 0
        self.digest = 0
        self.crashes: list[BaseException] = []
        self.idle = 0.0
        self.ends_at_step: float = inf
        self._interleaving, self._most_steps, self._say = interleaving, most_steps, say
        self._threads: list[_Thread] = []
        self._main: _Thread | None = None
        self._current: _Thread | None = None
        self._hub: Any = None
        self._numbers = count(1)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._strikes: list[tuple[int, Callable[[], None]]] = []
        self._is_dead = False

    # -- what the code under test sees --

    def now(self) -> float:
        """Seconds that never go back."""
        if self._interleaving and self.rng.random() < self._interleaving:
            self.step()
        return self.time

    def utc(self) -> datetime:
        """Date and time of day, as far as this machine's clock is right."""
        return _EPOCH + timedelta(seconds=round(self.time, 3)) + self.clock_is_off

    def flag(self) -> Flag:
        """A new flag."""
        return Flag(self)

    def mailbox(self) -> Mailbox:
        """A new, empty mailbox."""
        return Mailbox(self)

    def lock(self) -> AbstractContextManager[Any]:
        """A new lock."""
        return Lock(self)

    def start(self, work: Callable[[], None], name: str) -> None:
        """Runs something in a thread."""
        self._start(work, name)
        self.step()

    # -- what the stand-ins and the run use --

    def true_utc(self) -> datetime:
        """The time of day by a clock that is right."""
        return self.utc() - self.clock_is_off

    def note(self, text: str) -> None:
        """Adds a line to the trace."""
        if self._say:
            name = self._current.name if self._current else "world"
            self._say(f"{self.time:10.4f} {self.steps:6} {name:16} {text}")

    def at(self, time: float, act: Callable[..., None], *args: Any) -> None:
        """Lets something happen outside of the process, whatever becomes of that."""
        heapq.heappush(self._events, (time, next(self._numbers), act, args))

    def strike(self, step: int, act: Callable[[], None]) -> None:
        """Has the main thread call something as a signal handler would, at that step or soon after; it may raise."""
        self._strikes.append((step, act))
        self._strikes.sort(key=lambda strike: -strike[0])

    def step(self) -> None:
        """Lets others go first, perhaps."""
        self.wait(_always, 0.0)

    def sleep(self, seconds: float, *, is_idle: bool = False) -> None:
        """Waits, whatever happens.

        :param is_idle: of something that no code under test could end.
        """
        begin = self.time
        try:
            self.wait(bool, seconds)
        finally:
            if is_idle and self._current is self._main:
                self.idle += self.time - begin

    def pause(self, seconds: float) -> None:
        """The whole process stands still, as under SIGSTOP or on a machine that sleeps; the world outside does not."""
        self.time += seconds
        self.idle += seconds

    def wait(self, is_ready: Callable[[], bool], seconds: float) -> bool:
        """Waits for something, at most so long; whether it is so."""
        me = self._current
        if self._is_dead or me is None or me.greenlet is not getcurrent():
            raise WorldEnded
        me.is_ready, me.wakes_at = is_ready, self.time + seconds
        self._hub.switch()
        if self._is_dead:
            raise WorldEnded
        if me is self._main:
            while self._strikes and self.steps >= self._strikes[-1][0]:
                self._strikes.pop()[1]()
        return is_ready()

    def run(self, work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        """Runs something in the main thread until that ends or the process does; what it returned or raised."""
        self._hub, self._is_dead = getcurrent(), False
        ended: list[tuple[Any, BaseException | None]] = []

        def body() -> None:
            try:
                ended.append((work(), None))
            except BaseException as error:
                ended.append((None, error))

        self._main = self._start(body, "main")
        while not ended and self._threads:
            self._go_on()
        return ended[0] if ended else (None, WorldEnded())

    def linger(self, seconds: float) -> int:
        """Lets threads that the main one left behind go on; how many are there after that time. Then they are gone."""
        until = self.time + seconds
        while self._threads and self.time < until and not self._is_dead:
            self._go_on(until)
        left = len(self._threads)
        self.end()
        self._strikes.clear()
        return left

    def end(self) -> None:
        """Ends the process: every thread, wherever it is."""
        self._is_dead = True
        for thread in self._threads:
            self._current = thread
            # One that never ran is simply forgotten.
            if thread.greenlet:
                thread.greenlet.throw(WorldEnded)
        self._threads, self._current = [], None

    # -- the scheduler --

    def _start(self, work: Callable[[], None], name: str) -> _Thread:
        if self._is_dead:
            raise WorldEnded
        thread = _Thread(name, next(self._numbers))

        def body() -> None:
            try:
                work()
            except WorldEnded:
                pass
            except BaseException as error:
                self.crashes.append(error)

        thread.greenlet = greenlet(body, parent=self._hub)
        self._threads.append(thread)
        return thread

    def _go_on(self, until: float = inf) -> None:
        self.steps += 1
        if self.steps > self._most_steps:
            raise StuckError(f"no end after {self.steps} steps")
        if self.steps >= self.ends_at_step:
            self.ends_at_step = inf
            self.note("the process is killed")
            self.end()
            return
        now = self.time
        if self._events and self._events[0][0] <= now:
            self._let_events_happen()
        ready = [thread for thread in self._threads if thread.wakes_at <= now or thread.is_ready()]
        if not ready:
            self._pass_time(until)
            return
        thread = ready[int(self.rng.random() * len(ready))]
        luck = self.rng.random()
        self.time += luck * STEP_SECONDS if luck > 0.002 else self.rng.random() * HICCUP_SECONDS
        self.digest = hash((self.digest, thread.number, self.time))
        self._current = thread
        thread.greenlet.switch()
        self._current = None
        if thread.greenlet.dead:
            self._threads.remove(thread)

    def _let_events_happen(self) -> None:
        while self._events and self._events[0][0] <= self.time:
            _, number, act, args = heapq.heappop(self._events)
            self.digest = hash((self.digest, number))
            act(*args)

    def _pass_time(self, until: float) -> None:
        wakes = [thread.wakes_at for thread in self._threads]
        if self._events:
            wakes.append(self._events[0][0])
        soonest = min(wakes, default=inf)
        if soonest == inf:
            raise StuckError(f"deadlock of {', '.join(thread.name for thread in self._threads)}")
        self.time = min(max(soonest, self.time), until)


def _always() -> bool:
    return True
