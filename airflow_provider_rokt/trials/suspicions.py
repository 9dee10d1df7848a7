"""What looks wrong with the values of a query's columns though each could be sent; told without any of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.conversion_stream import REPEATED
from airflow_provider_rokt.events.fields import FIELDS, Need
from airflow_provider_rokt.events.foreign_texts import FOREIGN_TEXTS, ForeignText
from airflow_provider_rokt.exceptions import short_name
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.flow.stream import Row
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.trials.trial import Totals

_AMOUNT: Final = "events[].data.custom_attributes.amount"
# Half a unit in the last place of a single-precision float: what such a column adds to 19.99.
_NOISE: Final = Decimal("6e-8")
_MONEY: Final = Decimal("0.001")
# The shortest text that names a time of day.
_DAY_CHARS: Final = len("2026-01-02")


def suspicions(steps: Iterable[Step], columns: Sequence[str], rows: Sequence[Row]) -> list[Suspicion]:
    """What looks wrong with the columns that a mapping reads, a column at a time."""
    paths: dict[int, list[str]] = {}
    for step in steps:
        if step.place is not None:
            paths.setdefault(step.place, []).append(step.path)
    found = []
    for place, filled in sorted(paths.items()):
        for suspect in _SUSPECTS:
            if any(map(suspect.concerns, filled)) and (count := sum(suspect.shows(row[place]) for row in rows)):
                text = suspect.text.format(
                    where=f"column {short_name(columns[place])!r}", count=f"{count:,} of {len(rows):,}"
                )
                found.append(Suspicion(suspect.kind, columns[place], count, text))
    return found


def repeated_ids(totals: Totals) -> list[Suspicion]:
    """Rows whose id an earlier row had."""
    texts = {
        "id with other content": (
            totals.faults[REPEATED],
            "{count} rows repeat the source_message_id of an earlier row with other content: they are rejected, since "
            "Rokt would drop them silently. Is it the id of something larger, like an order with several lines?",
        ),
        "id repeated": (
            totals.skipped[Skip.REPEATED],
            "{count} rows repeat an earlier row, id and content: they are skipped. Does a join multiply rows?",
        ),
    }
    return [Suspicion(kind, "", rows, text.format(count=f"{rows:,}")) for kind, (rows, text) in texts.items() if rows]


def unmapped_recommended(steps: Iterable[Step]) -> list[Suspicion]:
    """Fields that Rokt recommends and nothing fills."""
    filled = {step.path for step in steps}
    missing = [field.path for field in FIELDS if field.need is Need.RECOMMENDED and field.path not in filled]
    return [Suspicion("recommended", "", 0, f"{path} is recommended and not mapped") for path in missing]


def _is_noisy(value: object) -> bool:
    """Whether an amount differs from plain money by what a float adds."""
    if not isinstance(value, float | Decimal | str):
        return False
    try:
        exact = Decimal(str(value))
        difference = abs(exact - exact.quantize(_MONEY))
    except InvalidOperation:
        return False
    return 0 < difference <= abs(exact) * _NOISE


def _is_local(value: object) -> bool:
    """Whether it is a time of day that names no zone."""
    if isinstance(value, str):
        written = value.strip()
        try:
            value = datetime.fromisoformat(written) if len(written) > _DAY_CHARS else None
        except ValueError:
            return False
    # pandas' NaT is a datetime that equals nothing, itself included.
    return isinstance(value, datetime) and value == value and value.tzinfo is None


_SUSPECTS: Final = (
    *FOREIGN_TEXTS,
    ForeignText(
        "float noise",
        _AMOUNT.__eq__,
        _is_noisy,
        "{where}: {count} amounts have the noise of a float, like 19.989999771118164: select a decimal "
        "(CAST ... AS NUMERIC(12, 2))",
    ),
    ForeignText(
        "no time zone",
        lambda path: path.endswith("timestamp_unixtime_ms"),
        _is_local,
        "{where}: {count} times name no time zone and are taken for UTC: if they are local, select them with "
        "their zone",
    ),
)
