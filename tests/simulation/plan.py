"""What a seed makes of a delivery, before anything befalls it."""

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.disk import FAILURES
from tests.simulation.shop import Sale, sales_of

_ENDINGS: Final = (
    *("",) * 4,
    *("stop",) * 2,
    "stop and alarm",
    "stop, then alarm",
    "alarm",
    *("kill",) * 2,
    "pause",
    "source",
)


@dataclass(frozen=True)
class Plan:
    """What a seed makes of a delivery; whatever befalls it is drawn as it comes.

    :param ending: what strikes, and at which step: ``stop``, ``stop and alarm`` in
        one handler, ``stop, then alarm``, ``alarm``, ``kill``, ``pause``,
        ``source``.
    :param real: the stream of conversions itself.
    :param whole: which groups over the whole result.
    :param memory: ``""`` for none; ``all``, as where every run sends everything and its retries resume; ``new``, as
        where only new rows are sent.
    :param tries: before the last one, which nothing befalls.
    :param next_run: whether the last one is not a retry, but the next run.
    :param interleaving: how often whoever looks at the clock lets others go first.
    """

    sales: tuple[Sale, ...]
    window: int
    per_request: int
    grouped: bool
    real: bool
    whole: bool
    concurrency: int
    rate: float
    budget: float
    timeout: float
    ending: str
    at_step: int
    appends: bool
    slow_disk: float
    slow_source: float
    failure: str
    fails_at: int
    clock_is_off: float
    min_rows: int
    interleaving: float
    memory: str
    tries: int
    next_run: bool

    @classmethod
    def of(cls, rng: Random) -> "Plan":
        """Draws one."""
        most = rng.choice((0, 1, 5, 20, 20, 60, 60, 150)) if rng.random() > 0.01 else 800
        ending = rng.choice(_ENDINGS)
        memory = rng.choice(("", "all", "all", "new"))
        next_run = memory == "new" and rng.random() < 0.5
        return cls(
            sales=tuple(sales_of(rng, rng.randint(most // 2, most))),
            window=rng.choice((1, 3, 10, 10, 50, 1000)),
            per_request=rng.choice((1, 2, 5, 5, 20, 100)),
            grouped=rng.random() < 0.4,
            real=(real := rng.random() < 0.08),
            whole=real and rng.random() < 0.5,
            concurrency=rng.choice((1, 2, 2, 3, 4, 8)),
            # A low rate takes the clock far, and every look at it a step.
            rate=rng.choice((most / 5 + 0.5, most / 2 + 0.5, 30.0 + most, 100.0 + most, 1e9, 1e9, 1e9)),
            budget=rng.choice((0.0, 2.0, 30.0, 60.0, 600.0)),
            timeout=rng.choice((1.0, 5.0, 30.0)),
            ending=ending,
            at_step=int(10 ** rng.uniform(0.5, 3.3)),
            appends=rng.random() < 0.6,
            slow_disk=rng.choice((0.0, 0.0, 0.0, 0.5, 4.0)),
            slow_source=rng.choice((0.0, 0.0, 0.1, 5.0)),
            failure=rng.choice(tuple(FAILURES)),
            fails_at=rng.choice((0, 0, 0, 0, int(10 ** rng.uniform(0, 2)))),
            # A run that is gone keeps the next one out for as long as its clock is ahead.
            clock_is_off=0.0 if next_run else rng.choice((0.0, 0.0, 0.0, rng.uniform(-1e5, 1e5))),
            min_rows=rng.choice((0, 0, 0, 0, 0, most // 2, most // 2 + 1, most + 1)),
            interleaving=rng.choice((0.0, 0.0, 0.3)),
            memory=memory,
            tries=rng.choice((1, 1, 2)) if memory else 1,
            next_run=next_run,
        )
