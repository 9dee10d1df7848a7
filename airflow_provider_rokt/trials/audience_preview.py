"""What an audience's run would do for its source's rows; nothing is sent and no memory is changed."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from airflow_provider_rokt.audiences.audience_stream import AudienceStream
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktDroppedError, RoktMemoryError, RoktTooFewRowsError
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.flow.stream import ColumnNames, Row, Source
from airflow_provider_rokt.runs.audience import AudienceRun
from airflow_provider_rokt.runs.options import AudienceOptions
from airflow_provider_rokt.runs.place import Place
from airflow_provider_rokt.trials.trial import Totals, failed_by, in_a_line, said


def preview_audience(place: Place, options: AudienceOptions, source: Source) -> dict[str, Any]:
    """Reads all rows and counts; reads a mirror's memory without the right to change it.

    :returns: the counts of rows and members; ``rejected_rows``, the first ones (``number, key, faults``);
        ``rejected_by_reason`` and ``dropped_by_reason`` (``path, reason, rows``), ``dropped`` and ``skipped`` as a
        report has them; ``warnings`` (``kind, column, rows, text``); ``stopped_by`` and ``failed_by``: how the task
        would fail before and after it had sent everything, or None.
    :raises RoktMappingError: when mapping and columns do not fit.
    """
    run, totals, read = AudienceRun(place, options), Totals(), 0
    stream: AudienceStream | None = None
    with ExitStack() as stack:

        def consume(names: ColumnNames, rows: Sequence[Row]) -> None:
            nonlocal read, stream
            stream = stream or run.make_stream(stack, names)
            read += len(rows)
            totals.add(stream.window(rows))

        source.read(consume)
        if stream is None:
            raise RuntimeError("the source ended without naming its columns")
        stopped_by = _stopped_by(run, stream, is_named=place.sync_name(options.sync) is not None)
        _count_members(stream, totals)
        return {
            "rows_read": read,
            "rows_rejected": totals.rejected,
            "rows_skipped": totals.skipped.total(),
            **stream.extras,
            "rejected_rows": [{**row.row._asdict(), "faults": said(row)} for row in totals.refused],
            **totals.reasons(),
            "warnings": [suspicion._asdict() for suspicion in run.suspicions],
            "stopped_by": stopped_by,
            "failed_by": None if stopped_by else failed_by(options, read, totals.rejected),
        }


def _stopped_by(run: AudienceRun, stream: AudienceStream, *, is_named: bool) -> str | None:
    """What would stop the run; the counts are there all the same, unless the memory cannot be used.

    :param is_named: whether it is known which sync asks; at the command line it need not be.
    """
    try:
        if run.memory:
            run.memory.require_newest()
            if is_named:
                run.memory.require_owner()
        stream.decide()
        if run.memory:
            run.memory.require_free()
        stream.guard()
    except (RoktAudienceError, RoktMemoryError, RoktDroppedError, RoktTooFewRowsError) as error:
        return in_a_line(error)
    return None


def _count_members(stream: AudienceStream, totals: Totals) -> None:
    """Adds the rows that only the decision over all of them rejects or skips."""
    if stream.plan:
        for faults in stream.plan.contradictions():
            totals.reject(faults)
    totals.skipped += stream.counts.skips
    totals.skipped[Skip.NOT_NAMED] += stream.choose() - stream.counts.skipped
