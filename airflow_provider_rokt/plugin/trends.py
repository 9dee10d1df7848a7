"""A sync's runs beside their own history: shares that get worse."""

from typing import Final, NamedTuple

from airflow_provider_rokt.summaries.sync_runs import SyncRun, usual

IDENTITIES: Final = "user_identities."


class Trend(NamedTuple):
    """One share over a sync's runs, the oldest first.

    :param usual: the median of the runs before the last.
    :param worse_when: whether a higher or a lower share is the worse one.
    """

    what: str
    values: list[float | None]
    usual: float | None
    last: float | None
    worse_when: str

    @property
    def top(self) -> float:
        """The share at the upper edge of a picture."""
        highest = max((value for value in self.values if value is not None), default=0.0)
        return 1.0 if highest > 0.5 else max(highest * 1.25, 0.01)


def trends_of(runs: list[SyncRun]) -> list[Trend]:
    """Those of a sync's runs, the newest first: rejected rows, and what Rokt can match people by."""
    over = [run for run in runs if not run.at_work]
    paths = sorted({path for run in over for path in run.coverage}, key=lambda path: (IDENTITIES not in path, path))
    rejects = _trend("rejected rows", "higher", over, [run.rejected_share for run in over])
    covered = [_trend(path, "lower", over, [run.coverage.get(path) for run in over]) for path in paths[:5]]
    return [rejects, *covered]


def _trend(what: str, worse_when: str, runs: list[SyncRun], newest_first: list[float | None]) -> Trend:
    shares = {id(run): share for run, share in zip(runs, newest_first, strict=True)}
    before = usual(runs[1:], lambda run: shares[id(run)])
    return Trend(what, list(reversed(newest_first)), before, newest_first[0] if newest_first else None, worse_when)
