"""A mapping compared with a query's columns and first rows: what fits, what does not, and what to look at."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.guards import check_plan
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.events.block import ABSENT, Step
from airflow_provider_rokt.events.destinations import (
    CONVERSION,
    IDENTITY_PATHS,
    MEMBERSHIP,
    Profile,
    automatic,
)
from airflow_provider_rokt.events.fields import Cost
from airflow_provider_rokt.events.mapping import compile_mapping, mapped_columns
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktMappingError, RoktSettingsError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.checks import whole
from airflow_provider_rokt.flow.row import FieldFault
from airflow_provider_rokt.flow.stream import Row, Source
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST
from airflow_provider_rokt.runs.audience import audience_suspicions, intake_of, membership_of, read_columns
from airflow_provider_rokt.runs.conversions import stream_maker
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions, DeliveryOptions
from airflow_provider_rokt.trials.crowding import crowded_user, crowding, events_of
from airflow_provider_rokt.trials.suspicions import repeated_ids, suspicions, unmapped_recommended
from airflow_provider_rokt.trials.trial import Sample, Totals, Trial, failed_by, first_rows, in_a_line, stopped_by

# Two read windows: of one alone nobody can tell what another order would gain.
ROWS_CHECKED: Final = 10_000


def check_delivery(source: Source, options: DeliveryOptions, *, rows: int = ROWS_CHECKED) -> dict[str, Any]:
    """Compares a mapping with a query's columns and its first rows; nothing is sent, no row's value is in the result.

    :param options: of conversions or of an audience.
    :param rows: how many rows to read.
    :returns: ``operation, ok, whole_query, rows_read, rows_sendable, rows_rejected, rows_skipped``; ``problems`` of the
        mapping; ``unmapped`` columns (``column, field``); ``fields`` (``path, column, costs, values, invalid, share,
        reasons``); the totals of a preview; ``coverage``; ``identities`` (``path, most_rows``) and ``batches``
        (``events, now, order_by, ordered, result, most_events_of_a_user``) of conversions; ``warnings`` (``kind,
        column, rows, text``); ``stopped_by`` and ``failed_by``.
    :raises RoktSettingsError: for ``rows`` below 1.
    :raises RoktSourceError: when the rows cannot be read.
    """
    if problem := whole(1)(rows):
        raise RoktSettingsError("the check", [f"rows {problem}"])
    sample = first_rows(source, rows)
    profile = MEMBERSHIP if isinstance(options, AudienceOptions) else CONVERSION
    result = _nothing(sample, options, profile)
    try:
        if isinstance(options, AudienceOptions):
            result |= _audience(sample, options)
        elif isinstance(options, ConversionOptions):
            result |= _conversions(sample, options)
    except RoktMappingError as error:
        result["problems"] = list(error.problems)
    result["ok"] = not (result["problems"] or result["stopped_by"] or result["failed_by"])
    return result


def _nothing(sample: Sample, options: DeliveryOptions, profile: Profile) -> dict[str, Any]:
    """The result where nothing is known but the columns: every key, in the order it is shown."""
    return {
        "operation": options.operation,
        "ok": False,
        "whole_query": sample.ended,
        "rows_read": len(sample.rows),
        **dict.fromkeys(("rows_sendable", "rows_rejected", "rows_skipped"), 0),
        "problems": [],
        "unmapped": _unmapped(sample.columns or (), options.mapping, profile),
        "fields": [],
        **Totals().reasons(),
        "coverage": {},
        "identities": [],
        "batches": None,
        "warnings": [],
        "stopped_by": None,
        "failed_by": None,
    }


def _conversions(sample: Sample, options: ConversionOptions) -> dict[str, Any]:
    columns = sample.columns or ()
    plan = compile_mapping(options.mapping, columns, options.rules())
    make_stream = stream_maker(options, batches=BATCHES_PER_REQUEST, group_by_user=False, max_dropped=1.0, selects=None)
    stream = make_stream(columns)
    trial = Trial().run(stream, sample.windows(options.fetch_size))
    events = events_of(trial.batches)
    warnings = suspicions(plan.steps, columns, sample.rows)
    warnings += [*repeated_ids(trial), *stream.suspicions(by_place=True), *unmapped_recommended(plan.steps)]
    crowd = crowding(sample, options, plan.steps, events)
    warnings += crowded_user(crowd["batches"]["most_events_of_a_user"])
    return {
        **_totals(sample, options, trial, stream.census),
        "fields": _fields(plan.steps, sample, stream.census, trial),
        "coverage": stream.census.shares(Counter(batch.coverage for _, batch in trial.batches)),
        **crowd,
        "warnings": [warning._asdict() for warning in warnings],
    }


def _audience(sample: Sample, options: AudienceOptions) -> dict[str, Any]:
    names, rules, totals = sample.columns or (), options.rules(), Totals()
    columns = read_columns(names, options, rules)
    steps = columns.addresses if options.via == "import" else columns.plan.steps
    spool = MemberSpool()
    try:
        intake = intake_of(options, spool, columns, membership_of(options, rules))
        for window in sample.windows(options.fetch_size):
            totals.add(intake.take(window))
    finally:
        spool.close()
    census = columns.plan.census
    fields = _fields(steps, sample, census, totals)
    warnings = [*suspicions(steps, names, sample.rows), *audience_suspicions(options, columns)]
    return {
        **_totals(sample, options, totals, census),
        "fields": fields,
        "coverage": _carried(fields, len(sample.rows)),
        "warnings": [warning._asdict() for warning in warnings],
    }


def _totals(sample: Sample, options: DeliveryOptions, totals: Totals, census: Census) -> dict[str, Any]:
    read, rejected, skipped = len(sample.rows), totals.rejected, totals.skipped.total()
    return {
        "rows_sendable": read - rejected - skipped,
        "rows_rejected": rejected,
        "rows_skipped": skipped,
        **totals.reasons(),
        "stopped_by": stopped_by(options, sample, census) or _empty(sample, options),
        "failed_by": failed_by(options, read, rejected),
    }


def _empty(sample: Sample, options: DeliveryOptions) -> str | None:
    """Whether an audience would be stopped for want of rows."""
    if isinstance(options, AudienceOptions):
        try:
            check_plan(PlanCounts(), rows_read=len(sample.rows), allow_empty=options.allow_empty)
        except RoktAudienceError as error:
            return in_a_line(error)
    return None


def _unmapped(columns: Sequence[str], mapping: Mapping[str, Any] | None, profile: Profile) -> list[dict[str, Any]]:
    """The columns that nothing is made of, each with the field that it is named after and that nothing fills."""
    if mapping is None:
        return []
    read = {name.lower() for name in mapped_columns(mapping)}
    left = [column for column in columns if column.lower() not in read]
    return [{"column": column, "field": _named_after(column, mapping, profile)} for column in left]


def _named_after(column: str, mapping: Mapping[str, Any], profile: Profile) -> str | None:
    try:
        path = automatic(column, profile).path
    except RoktMappingError:
        return None
    return None if path in mapping else path


def _fields(steps: Iterable[Step], sample: Sample, census: Census, totals: Totals) -> list[dict[str, Any]]:
    left_out, at_fault = _reasons(census.invalid), _reasons(totals.faults)
    made = []
    for step in steps:
        reasons = Counter(left_out.get(step.path, {}))
        # An identity that cost its row, for want of another, was left out before.
        if not (step.cost is Cost.IDENTITY and reasons):
            reasons += at_fault.get(step.path, Counter())
        made.append(_field(step, sample, dict(reasons.most_common())))
    return made


def _reasons(faults: Mapping[FieldFault, int]) -> dict[str, Counter[str]]:
    """The reasons of each path's invalid values; that there is none is no value."""
    reasons: dict[str, Counter[str]] = {}
    for fault, count in faults.items():
        if fault.reason != ABSENT:
            reasons.setdefault(fault.path, Counter())[fault.reason] += count
    return reasons


def _field(step: Step, sample: Sample, reasons: Mapping[str, int]) -> dict[str, Any]:
    columns, place, wrong = sample.columns or (), step.place, sum(reasons.values())
    values = len(sample.rows) if place is None else sum(_is_value(row, place) for row in sample.rows)
    return {
        "path": step.path,
        "column": None if place is None else columns[place],
        "costs": str(step.cost),
        "values": values,
        "invalid": wrong,
        "share": round(wrong / values, 4) if values else 0.0,
        "reasons": [{"reason": reason, "values": count} for reason, count in reasons.items()],
    }


def _is_value(row: Row, place: int) -> bool:
    """Whether there is one: neither NULL, nor NaN, nor blank."""
    value = row[place]
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and not (isinstance(value, float) and value != value)


def _carried(fields: Iterable[Mapping[str, Any]], rows: int) -> dict[str, float]:
    return {
        one["path"]: round((one["values"] - one["invalid"]) / rows, 4) if rows else 0.0
        for one in fields
        if one["path"] in IDENTITY_PATHS
    }
