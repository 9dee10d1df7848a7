"""Time that passes only where somebody waits."""

import threading

from airflow_provider_rokt.flow.threads import Flag, RealThreads


class FakeClock:
    """Seconds, to be given as ``clock``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class FakeStop(threading.Event):
    """A flag whose waiting moves a clock instead."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._clock.sleep(timeout or 0.0)
        return self.is_set()


class FakeThreads(RealThreads):
    """Real threads on such time."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def now(self) -> float:
        return self.clock.now

    def flag(self) -> Flag:
        return FakeStop(self.clock)
