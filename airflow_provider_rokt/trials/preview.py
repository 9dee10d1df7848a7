"""What a conversion delivery would send for its source's first rows; nothing is sent."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.checks import whole
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.flow.stream import Row, Selects, Source
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST
from airflow_provider_rokt.runs.conversions import stream_maker
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.trials.masking import masked
from airflow_provider_rokt.trials.suspicions import suspicions
from airflow_provider_rokt.trials.trial import Sample, Trial, failed_by, first_rows, said, stopped_by

ROWS_SHOWN: Final = 5


def preview_conversions(
    source: Source,
    options: ConversionOptions,
    *,
    rows_shown: int = ROWS_SHOWN,
    show_values: bool = False,
    selects: Selects | None = None,
) -> dict[str, Any]:
    """Puts the first rows through the stream of a delivery, each as a batch of its own.

    :param rows_shown: how many rows to read; best the source's ``fetch_size`` too.
    :param show_values: show what would be sent as it is; otherwise every value of a row is masked. The mapping's
        literals are shown either way.
    :param selects: tells which rows to send; the others are skipped.
    :returns: ``rows_read, rows_rejected, rows_skipped``; ``rows``: of each its ``number`` and ``key`` with the
        ``document``, its ``endpoint`` and what is ``dropped`` from it (``path, reason``), the ``faults`` (``path,
        reason``), or why it would be ``skipped``; the totals ``rejected_by_reason`` and ``dropped_by_reason``
        (``path, reason, rows``), ``dropped`` (rows by path) and ``skipped`` (rows by reason); ``warnings``
        (``kind, column, rows, text``); ``stopped_by`` and ``failed_by``: how the task would fail before and after it
        had sent these rows, or None.
    :raises RoktSettingsError: for ``rows_shown`` below 1.
    :raises RoktMappingError: when mapping and columns do not fit.
    """
    if problem := whole(1)(rows_shown):
        raise RoktSettingsError("the preview", [f"rows {problem}"])
    sample = first_rows(source, rows_shown)
    if sample.columns is None:
        return _result(options, sample, Trial(), Census(), {}, [])
    make_stream = stream_maker(
        options, batches=BATCHES_PER_REQUEST, group_by_user=False, max_dropped=1.0, selects=selects
    )
    plan = compile_mapping(options.mapping, sample.columns, options.rules())
    stream, trial = make_stream(sample.columns), Trial()
    skipped = dict(_skips(trial, stream, sample.rows))
    shown = {row["number"]: row for row in _rows(trial, None if show_values else literal_paths(plan.steps))}
    warnings = [*suspicions(plan.steps, sample.columns, sample.rows), *stream.suspicions()]
    return _result(options, sample, trial, stream.census, skipped | shown, warnings)


def literal_paths(steps: Iterable[Step]) -> frozenset[str]:
    """The paths that the mapping fills with what its author wrote, the same in every row."""
    return frozenset(step.path for step in steps if step.place is None)


def _result(
    options: ConversionOptions,
    sample: Sample,
    trial: Trial,
    census: Census,
    shown: Mapping[int, dict[str, Any]],
    warnings: Iterable[Suspicion],
) -> dict[str, Any]:
    return {
        "rows_read": len(sample.rows),
        "rows_rejected": trial.rejected,
        "rows_skipped": trial.skipped.total(),
        "rows": [shown[number] for number in sorted(shown)],
        **trial.reasons(),
        "warnings": [warning._asdict() for warning in warnings],
        "stopped_by": stopped_by(options, sample, census),
        "failed_by": failed_by(options, len(sample.rows), trial.rejected),
    }


def _skips(trial: Trial, stream: ConversionStream, rows: Iterable[Row]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Puts each row through the stream, and tells of each that is left out on purpose why."""
    for number, row in enumerate(rows, 1):
        packed = stream.window([row])
        for reason in packed.skipped.elements():
            yield number, {"number": number, "key": RowRef.at(number).key, "skipped": str(reason)}
        trial.add(packed)
    for packed in stream.flush():
        trial.add(packed)


def _rows(trial: Trial, shown: Collection[str] | None) -> Iterator[dict[str, Any]]:
    """Each row that would be sent or rejected.

    :param shown: the paths whose values are shown; None for all.
    """
    for packed in trial.packed:
        for fault in packed.faults:
            yield {**fault.row._asdict(), "faults": said(fault)}
    dropped = {fault.row: said(fault) for packed in trial.packed for fault in packed.dropped}
    for endpoint, batch in trial.batches:
        document = json.loads(batch.body)
        # Of the batch that a delivery groups the event into, which it may share with others.
        del document["source_request_id"]
        (row,) = batch.rows
        yield {
            **row._asdict(),
            "endpoint": endpoint.path,
            "document": document if shown is None else masked(document, shown=shown),
            "dropped": dropped.get(row, []),
        }
