"""What a conversion delivery would send for its source's first rows; nothing is sent."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from airflow_provider_rokt.delivery.run import Source
from airflow_provider_rokt.events.conversion_stream import Conversions
from airflow_provider_rokt.events.destinations import FIXED
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.flow.stream import Row, Window
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST
from airflow_provider_rokt.runs.options import ConversionOptions

ROWS_SHOWN: Final = 5

_MASK: Final = "***"
_SKIPPED: Final = "its source_message_id came before, or resend_from does not name it"

Wanted = Callable[[RowRef], bool]


class _Enough(Exception):
    """Leaves a source before its end."""


def preview_conversions(
    source: Source,
    options: ConversionOptions,
    *,
    rows_shown: int = ROWS_SHOWN,
    show_values: bool = False,
    wanted: Wanted | None = None,
) -> dict[str, Any]:
    """Puts the first rows through the stream of a delivery, each as a batch of its own.

    :param rows_shown: how many rows to read; best the source's ``fetch_size`` too.
    :param show_values: show what would be sent as it is; otherwise every value of a row is masked.
    :param wanted: tells which rows to send; the others are skipped.
    :returns: ``rows_read, rows_rejected, rows_skipped``, and ``rows``: of each its ``number`` and ``key`` with the
        ``document`` and its ``endpoint``, the ``faults`` (``path, reason``), or why it would be ``skipped``.
    :raises RoktSettingsError: for options out of range.
    :raises RoktMappingError: when mapping and columns do not fit.
    """
    options.check()
    if not isinstance(rows_shown, int) or isinstance(rows_shown, bool) or rows_shown < 1:
        raise RoktSettingsError("the preview", ["rows must be a whole number, 1 or more"])
    read, windows = _first_windows(source, _stream_maker(options, wanted), rows_shown)
    shown = {row["number"]: row for window in windows for row in _rows(window, show_values)}
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


def _stream_maker(options: ConversionOptions, wanted: Wanted | None) -> Callable[[tuple[str, ...]], Conversions]:
    rules = options.rules()

    def make_stream(columns: tuple[str, ...]) -> Conversions:
        return Conversions(
            compile_mapping(options.mapping, columns, rules),
            now=rules.now,
            batches_per_request=BATCHES_PER_REQUEST,
            group_by_user=False,
            historical=options.historical,
            wanted=wanted,
        )

    return make_stream


def _first_windows(
    source: Source, make_stream: Callable[[tuple[str, ...]], Conversions], most: int
) -> tuple[int, list[Window]]:
    """How many rows were read, and what became of them."""
    stream: Conversions | None = None
    windows: list[Window] = []
    read = 0

    def consume(columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        nonlocal stream, read
        stream = stream or make_stream(columns)
        first = rows[: most - read]
        windows.append(_taken(stream.window(first)))
        read += len(first)
        if read == most:
            raise _Enough

    with suppress(_Enough):
        source.read(consume)
    if stream is not None:
        windows.extend(stream.flush())
    return read, windows


def _taken(window: Window) -> Window:
    """The same with its requests made, as they must be before the stream goes on."""
    return replace(window, requests=list(window.requests))


def _rows(window: Window, show_values: bool) -> Iterable[dict[str, Any]]:
    for fault in window.faults:
        faults = [{"path": path, "reason": reason} for path, reason in fault.faults]
        yield {**fault.row._asdict(), "faults": faults}
    for request in window.requests:
        for batch in request.batches:
            document = json.loads(batch.body)
            # Of the batch that a delivery groups the event into, which it may share with others.
            del document["source_request_id"]
            shown = document if show_values else masked(document)
            yield {**batch.rows[0]._asdict(), "endpoint": str(request.endpoint), "document": shown}


def _skipped(number: int) -> dict[str, Any]:
    return {"number": number, "key": f"row {number}", "skipped": _SKIPPED}
