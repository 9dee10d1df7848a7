"""What the page of one delivery tells, on its own, and as the tab of a task instance or of a DAG run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice, starmap
from typing import Any, Final

from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.delivery_details import PAGE, DeliveryDetails, Why, batches_of
from airflow_provider_rokt.plugin.task_instances import OPERATORS, TaskInstances, TaskName
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions
from airflow_provider_rokt.storage.folder import digest_name
from airflow_provider_rokt.summaries.advice import advice_for
from airflow_provider_rokt.summaries.decision import told_failure
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import COUNTS, KnownDelivery, State, dag_of
from airflow_provider_rokt.summaries.sync_runs import SyncRun, may_yet_arrive, runs_of
from airflow_provider_rokt.summaries.yesterday import REASONS

# That began while the tasks of a DAG run were at work, of all DAGs.
_LOOKED_AT: Final = 5_000

# Arguments that say where rows go, and what they are where nobody gives them.
_WHERE_TO: Final[Mapping[str, object]] = {
    "audience": None,
    "mode": None,
    "via": AudienceOptions.via,
    "flag": AudienceOptions.flag,
    "environment": AudienceOptions.environment,
    "historical": ConversionOptions.historical,
    "sync": None,
    "rokt_conn_id": None,
}


class DeliveryPages:
    """The pages of deliveries.

    :param known: the deliveries.
    """

    def __init__(self, known: KnownDeliveries) -> None:
        self.known = known

    def one(self, delivery: KnownDelivery, tasks: TaskInstances, page: int, outcome: str) -> dict[str, Any]:
        """One delivery, with the other parts and tries of its run."""
        sender = delivery.sender
        if dag_of(sender) is None or not isinstance(sender.get("run_id"), str):
            return self._context(delivery, SyncRun([delivery]), tasks, page, outcome)
        # A run whose rows Airflow has removed still has this delivery.
        found = {one.delivery_id: one for one in [delivery, *self._of(_task_of(sender), tasks)]}
        (run,) = runs_of((found[name] for name in sorted(found, reverse=True)), self.known, tasks)
        return self._context(run.as_told(delivery), run, tasks, page, outcome)

    def of_task(self, name: TaskName, tasks: TaskInstances, page: int, outcome: str) -> tuple[str, dict[str, Any]]:
        """The template and what it tells of a task instance: its last delivery, or why there is none."""
        found = self._of(name._replace(map_index=None), tasks)
        for run in runs_of(found, self.known, tasks):
            # Without its place in the map, what is asked for is the task as a whole.
            mine = [part for part in run.parts if name.map_index in (-1, part.map_index)]
            if mine:
                return "delivery.html", self._context(mine[0], run, tasks, page, outcome)
        return "message.html", self._nothing(tasks.operator(name), tasks.goes_on(name._asdict()))

    def of_run(self, name: TaskName, tasks: TaskInstances) -> dict[str, Any]:
        """A DAG run: what its tasks delivered."""
        runs = runs_of(self._of(name, tasks), self.known, tasks)
        runs.sort(key=lambda run: str(run.sender.get("task_id")))
        is_live = any(_is_followed(part, run, tasks) for run in runs for part in run.parts)
        return {"runs": runs, "names": tasks.part_names(name), "live": is_live, "ledger": self.known.ledger.uri}

    def _nothing(self, operator: str | None, goes_on: bool) -> dict[str, Any]:
        if operator not in OPERATORS:
            text = "This task delivered nothing to Rokt. What the Rokt operators send is shown here."
            return {"title": "No delivery", "text": text}
        if goes_on:
            text = "Nothing was delivered yet. A delivery begins when the task's query has returned its first rows."
        else:
            text = "Nothing was delivered. If the task has ended, its log says why, or that there were no rows."
        return {"title": "No delivery", "text": text, "live": goes_on, "ledger": self.known.ledger.uri}

    def _of(self, name: TaskName, tasks: TaskInstances) -> list[KnownDelivery]:
        """The deliveries of a DAG run, or of a task in it, newest first."""
        asked = {part: value for part, value in name._asdict().items() if value is not None}
        # Between its tries others may have sent more than are looked at.
        began = chain.from_iterable(starmap(self.known.between, tasks.windows(name)))
        return [
            one
            for one in islice(began, _LOOKED_AT)
            if all(one.sender.get(part) == value for part, value in asked.items())
        ]

    def _context(
        self, delivery: KnownDelivery, run: SyncRun, tasks: TaskInstances, page: int, outcome: str
    ) -> dict[str, Any]:
        outcome = outcome if outcome in list(Outcome) else ""
        details = self.known.details(delivery)
        state = run.state_of(delivery)
        later = run.later_than(delivery)
        is_past = bool(later) or tasks.has_later_try(delivery.sender)
        failure = told_failure(delivery, state, tasks.decision)
        counts = {what: _count(delivery, details, what) for what in COUNTS}
        batches = sum(count for (ended, _), count in details.batches.items() if outcome in ("", ended))
        pages = max(-(-batches // PAGE), 1)
        page = min(page, pages)
        return {
            "delivery": delivery,
            "run": run,
            "names": tasks.part_names(_task_of(delivery.sender)),
            "state": state,
            "failure": failure,
            "later": later,
            "is_past": is_past,
            "details": details,
            "counts": counts,
            "missing": counts["rejected"] + counts["failed"],
            "reasons_first": self._reasons(delivery, details, failure),
            "advice": [] if is_past else advice_for(delivery, state, tasks),
            "resend": None if is_past else _resend(delivery),
            "pace": _pace(delivery, details, state),
            "sync_key": _sync_key(delivery.sender),
            "batches": batches_of(delivery.reader, page, outcome),
            "outcome": outcome,
            "outcomes": sorted({ended for ended, _ in details.batches}),
            "page": page,
            "pages": pages,
            "live": not later and _is_followed(delivery, run, tasks),
        }

    def _reasons(self, delivery: KnownDelivery, details: DeliveryDetails, failure: str) -> list[tuple[Why, int]]:
        reasons = self.known.reasons(delivery, failure) if delivery.report else details.undelivered.counts
        return reasons.most_common(REASONS)


def _is_followed(part: KnownDelivery, run: SyncRun, tasks: TaskInstances) -> bool:
    """Whether there is more to come of a part, from its own try or from one that Airflow begins itself."""
    return part.delivery_id in run.at_work or may_yet_arrive(part, run.state_of(part), tasks)


def _task_of(sender: Mapping[str, Any]) -> TaskName:
    return TaskName(str(sender.get("dag_id")), str(sender.get("run_id")), str(sender.get("task_id")))


def _count(delivery: KnownDelivery, details: DeliveryDetails, what: str) -> int:
    """Rows that ended so: as the report says, or as the ledger tells so far."""
    return delivery.count(what) if delivery.report else details.counts[what]


def _resend(delivery: KnownDelivery) -> Sequence[str] | None:
    """The arguments that send again what did not arrive; None where there is nothing to send, or it cannot be told."""
    if not delivery.header or not delivery.report or not delivery.report["complete"] or not delivery.undelivered:
        return None
    if delivery.mirrors:
        return None
    chosen = {**delivery.header.options, "rokt_conn_id": delivery.sender.get("connection")}
    asked = [f"{name}={chosen[name]!r}" for name, usual in _WHERE_TO.items() if chosen.get(name, usual) != usual]
    return [f"resend_from={delivery.delivery_id!r}", *asked]


def _pace(delivery: KnownDelivery, details: DeliveryDetails, state: State) -> dict[str, Any]:
    """How long it took, and how fast it was beside what the connection allows."""
    end = delivery.ended_at or (datetime.now(UTC) if state is State.IN_FLIGHT else None)
    took = end - delivery.began_at if end and delivery.began_at else None
    batches = details.batches.total()
    seconds = took.total_seconds() if took else 0.0
    cap = delivery.sender.get("batches_per_second")
    rate = batches / seconds if seconds >= 1 else None
    return {"took": took, "rate": rate, "cap": cap if isinstance(cap, int | float) and cap > 0 else None}


def _sync_key(sender: Mapping[str, Any]) -> str | None:
    name, connection = sender.get("sync"), sender.get("connection")
    return digest_name(connection, name) if isinstance(name, str) and isinstance(connection, str) and name else None
