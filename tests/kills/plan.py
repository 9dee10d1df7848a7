"""What a seed makes of a trial: what is sent, what befalls it, and when it is killed."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from airflow_provider_rokt.sandbox.faults import AnyFault, Reset, Status

ROWS: Final = 3000
"""The most that a trial sends."""
BATCHES: Final = 100
"""A request of events has so many batches, but for the last."""

_ROADS: Final = (*("conversions",) * 6, "import", "events")


@dataclass(frozen=True)
class Plan:
    """A trial.

    :param road: ``conversions``, or the members of an audience by ``import`` or by ``events``.
    :param rows: how many.
    :param shuffled: whether each try's query returns them in another order.
    :param grouped: whether a user's events share a batch.
    :param whole: whether those of the whole result do.
    :param per_request: most rows of a request.
    :param delay: seconds that an answer takes.
    :param kills: of each try that is killed, when: after a share of the requests that it has to make, and so many
        seconds later.
    :param faults: befall the first try.
    """

    road: str
    rows: int
    shuffled: bool
    grouped: bool
    whole: bool
    concurrency: int
    per_request: int
    delay: float
    kills: tuple[tuple[float, float], ...]
    faults: tuple[AnyFault, ...]

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """Draws one."""
        rng = Random(seed)
        road = rng.choice(_ROADS)
        delay = rng.choice((0.02, 0.05, 0.1))
        return cls(
            road=road,
            rows=rng.randint(1500, ROWS),
            # Every other seed, whatever else is drawn.
            shuffled=seed % 2 == 1,
            grouped=rng.random() < 0.5,
            # Every third, of either order.
            whole=seed % 3 == 2,
            concurrency=rng.choice((1, 2, 4, 4, 8)),
            per_request=70 if road == "import" else BATCHES,
            delay=delay,
            kills=tuple((rng.uniform(0.0, 0.9), rng.uniform(0.0, 2 * delay)) for _ in range(rng.choice((1, 1, 1, 2)))),
            faults=_faults(rng) if rng.random() < 0.4 else (),
        )

    @property
    def sql(self) -> str:
        """The query."""
        table = "orders" if self.road == "conversions" else "people"
        order = " ORDER BY random()" if self.shuffled else ""
        return f"SELECT * FROM (SELECT * FROM {table} ORDER BY rowid LIMIT {self.rows}){order}"

    @property
    def options(self) -> dict[str, Any]:
        """Those of the operator."""
        shared = {"sql": self.sql, "concurrency": self.concurrency, "fetch_size": 700}
        if self.road == "conversions":
            return shared | {"group_by_user": "result" if self.whole else self.grouped}
        audience = shared | {"audience": "vip", "mode": "include", "via": self.road}
        return audience | ({"members_per_request": self.per_request} if self.road == "import" else {})


def _faults(rng: Random) -> tuple[AnyFault, ...]:
    """An answer that asks for patience, one that is lost on its way back, and the like; few of each."""
    kinds: tuple[AnyFault, ...] = (
        Status(status=503, probability=0.2, times=2),
        Status(status=503, probability=0.2, times=2, after=True),
        Reset(probability=0.2, times=2, after=True),
        Reset(probability=0.2, times=1),
        Status(status=429, probability=0.2, times=1, retry_after=0.1),
    )
    return tuple(rng.sample(kinds, rng.randint(1, 3)))
