"""What a conversion delivery would send for its source's first rows; nothing is sent."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.destinations import FIXED
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.checks import whole
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.flow.stream import ColumnNames, Packed, Row, Selects, Source
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST
from airflow_provider_rokt.runs.conversions import stream_maker
from airflow_provider_rokt.runs.options import ConversionOptions

ROWS_SHOWN: Final = 5

_MASK: Final = "***"
_SKIPPED: Final = "its source_message_id came before, or resend_from does not name it"


class _Enough(Exception):
    """Leaves a source before its end."""


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
    :param show_values: show what would be sent as it is; otherwise every value of a row is masked.
    :param selects: tells which rows to send; the others are skipped.
    :returns: ``rows_read, rows_rejected, rows_skipped``, and ``rows``: of each its ``number`` and ``key`` with the
        ``document`` and its ``endpoint``, the ``faults`` (``path, reason``), or why it would be ``skipped``.
    :raises RoktSettingsError: for ``rows_shown`` below 1.
    :raises RoktMappingError: when mapping and columns do not fit.
    """
    if problem := whole(1)(rows_shown):
        raise RoktSettingsError("the preview", [f"rows {problem}"])
    make_stream = stream_maker(
        options, batches=BATCHES_PER_REQUEST, group_by_user=False, max_dropped=1.0, selects=selects
    )
    read, packed = _first_rows(source, make_stream, rows_shown)
    shown = {row["number"]: row for some in packed for row in _rows(some, show_values)}
    rows = [shown.get(number) or _skipped(number) for number in range(1, read + 1)]
    return {
        "rows_read": read,
        "rows_rejected": sum("faults" in row for row in rows),
        "rows_skipped": sum("skipped" in row for row in rows),
        "rows": rows,
    }


def masked(value: Any, path: str = "") -> Any:
    """A document without its values: names, the number of entries and kinds stay, and so does what no row can set.

    :param path: of the value, as the guide writes it.
    """
    if path in FIXED:
        return value
    if isinstance(value, dict):
        return {name: masked(member, f"{path}.{name}" if path else name) for name, member in value.items()}
    if isinstance(value, list):
        return [masked(member, f"{path}[]") for member in value]
    if isinstance(value, bool):
        return f"{_MASK} (true or false)"
    return _MASK if isinstance(value, str) else f"{_MASK} (number)"


def _first_rows(
    source: Source, make_stream: Callable[[ColumnNames], ConversionStream], most: int
) -> tuple[int, list[Packed]]:
    """How many rows were read, and what became of them."""
    stream: ConversionStream | None = None
    packed: list[Packed] = []
    read = 0

    def consume(columns: ColumnNames, rows: Sequence[Row]) -> None:
        nonlocal stream, read
        stream = stream or make_stream(columns)
        first = rows[: most - read]
        packed.append(_taken(stream.window(first)))
        read += len(first)
        if read == most:
            raise _Enough

    with suppress(_Enough):
        source.read(consume)
    if stream is not None:
        packed.extend(stream.flush())
    return read, packed


def _taken(packed: Packed) -> Packed:
    """The same with its requests made, as they must be before the stream goes on."""
    return replace(packed, requests=list(packed.requests))


def _rows(packed: Packed, show_values: bool) -> Iterable[dict[str, Any]]:
    for fault in packed.faults:
        faults = [{"path": path, "reason": reason} for path, reason in fault.faults]
        yield {**fault.row._asdict(), "faults": faults}
    for request in packed.requests:
        for batch in request.batches:
            document = json.loads(batch.body)
            # Of the batch that a delivery groups the event into, which it may share with others.
            del document["source_request_id"]
            shown = document if show_values else masked(document)
            yield {**batch.rows[0]._asdict(), "endpoint": request.endpoint.path, "document": shown}


def _skipped(number: int) -> dict[str, Any]:
    return {"number": number, "key": RowRef.at(number).key, "skipped": _SKIPPED}
