"""Pictures as inline SVG: colours come from the style sheet by class, and each says in words what it shows."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from airflow_provider_rokt.ledger.delivery_details import Strip
from airflow_provider_rokt.plugin.words import clock, counted, number, share
from airflow_provider_rokt.summaries.sync_runs import SyncRun

ENDS: Final = ("accepted", "rejected", "failed", "skipped")
_BAR, _GAP, _BARS_HEIGHT, _FOOT = 7, 3, 36, 6
# What is not nothing must be seen, however small.
_LEAST: Final = 2.0
_STRIP_HEIGHT: Final = 44
_LINE_WIDTH, _LINE_HEIGHT = 300, 64


def run_bars(runs: Sequence[SyncRun], slots: int) -> Markup:
    """The last runs as stacked bars, the newest at the right; a dot below says that values were left out.

    :param slots: how many bars fit, so that the newest ones of several syncs stand below each other.
    """
    most = max((run.count("read") for run in runs), default=0)
    drawn = list(reversed(runs[:slots]))
    left = slots - len(drawn)
    bars = [_bar(run, (left + place) * (_BAR + _GAP), most) for place, run in enumerate(drawn)]
    width, height = slots * (_BAR + _GAP) - _GAP, _BARS_HEIGHT + _FOOT
    return _picture(width, height, _bars_in_words(drawn), bars, "bars")


def _bar(run: SyncRun, x: int, most: int) -> Markup:
    shapes, top = [], float(_BARS_HEIGHT)
    for end in ENDS:
        if rows := run.count(end):
            high = max(rows / most * (_BARS_HEIGHT - 4 * _LEAST), _LEAST)
            top -= high
            shapes.append(_rect(x, top, _BAR, high, end))
    if not shapes:
        shapes.append(_rect(x, _BARS_HEIGHT - _LEAST, _BAR, _LEAST, "flight" if run.at_work else "nothing"))
    if run.dropped:
        middle = x + _BAR / 2
        shapes.append(Markup('<circle class="dropped" cx="{}" cy="{}" r="1.6"/>').format(middle, _BARS_HEIGHT + 4))
    # As wide and high as its slot, so that the words appear wherever the pointer is.
    shapes.append(_rect(x - 1, 0, _BAR + 2, _BARS_HEIGHT + _FOOT, "slot"))
    return Markup("<g><title>{}</title>{}</g>").format(run_in_words(run), Markup("").join(shapes))


def run_in_words(run: SyncRun) -> str:
    """When a run began, how it stands and its counts."""
    began = clock(run.began_at) if run.began_at else run.newest.delivery_id
    counts = [f"{number(run.count(end))} {end}" for end in ENDS if run.count(end)]
    dropped = [f"{counted(run.dropped, 'value')} dropped"] if run.dropped else []
    return f"{began}: {run.state}" + "".join(f", {count}" for count in [*counts, *dropped])


def _bars_in_words(runs: Sequence[SyncRun]) -> str:
    if not runs:
        return "No runs"
    states = ", ".join(f"{count} {state}" for state, count in Counter(str(run.state) for run in runs).most_common())
    return f"The last {counted(len(runs), 'run')}: {states}. The newest: {run_in_words(runs[-1])}"


def batch_strip(strip: Strip) -> Markup:
    """What became of the batches in their order, a column for as many of them each."""
    columns = []
    for place, counts in enumerate(strip.columns):
        shapes, top, total = [], float(_STRIP_HEIGHT), counts.total()
        for end in ENDS[:3]:
            if counts[end]:
                high = counts[end] / total * _STRIP_HEIGHT
                top -= high
                shapes.append(_rect(place * 4, top, 3, high, end))
        words = ", ".join(f"{number(counts[end])} {end}" for end in ENDS if counts[end])
        first = place * strip.each + 1
        which = f"batches {number(first)} to {number(first + total - 1)}" if total > 1 else f"batch {number(first)}"
        columns.append(Markup("<g><title>{}</title>{}</g>").format(f"{which}: {words}", Markup("").join(shapes)))
    counts = sum(strip.columns, Counter())
    words = ", ".join(f"{number(counts[end])} {end}" for end in ENDS if counts[end]) or "none yet"
    width = max(len(columns), 60) * 4
    return _picture(width, _STRIP_HEIGHT, f"Batches in the order they were answered: {words}", columns, "strip")


def trend(values: Sequence[float | None], usual: float | None, what: str, *, top: float) -> Markup:
    """A share over the runs, the newest at the right, with the usual one as a line across.

    :param top: the share at the upper edge.
    """
    step = _LINE_WIDTH / max(len(values) - 1, 1)

    def y(value: float) -> float:
        return round(_LINE_HEIGHT - 4 - min(value / top, 1) * (_LINE_HEIGHT - 8), 1) if top else _LINE_HEIGHT - 4.0

    points = [(round(place * step, 1), y(value)) for place, value in enumerate(values) if value is not None]
    shapes = []
    if usual is not None:
        line = Markup('<line class="usual" x1="0" x2="{}" y1="{}" y2="{}"/>')
        shapes.append(line.format(_LINE_WIDTH, y(usual), y(usual)))
    path = " ".join(f"{x},{y}" for x, y in points)
    shapes.append(Markup('<polyline class="line" points="{}"/>').format(path))
    shapes += [Markup('<circle class="point" cx="{}" cy="{}" r="3"/>').format(*point) for point in points[-1:]]
    known = [value for value in values if value is not None]
    told = f"the last {share(known[-1])}" if known else "nothing known"
    told += f", usually {share(usual)}" if usual is not None else ""
    return _picture(
        _LINE_WIDTH + 4, _LINE_HEIGHT, f"{what} over {counted(len(values), 'run')}: {told}", shapes, "trend"
    )


def meter(value: float) -> Markup:
    """A share as a bar, beside which it stands in words."""
    shapes = [_rect(0, 0, 60, 6, "rest"), _rect(0, 0, round(60 * min(value, 1), 1), 6, "part")]
    picture = Markup('<svg class="meter" width="60" height="6" viewBox="0 0 60 6" aria-hidden="true">{}</svg>')
    return picture.format(Markup("").join(shapes))


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    rect = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')
    return rect.format(kind, x, round(y, 1), width, round(height, 1))


def _picture(width: float, height: float, words: str, shapes: Sequence[Markup], kind: str) -> Markup:
    picture = Markup(
        '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}"'
        ' preserveAspectRatio="{}">{}</svg>'
    )
    stretch = "none" if kind == "strip" else "xMinYMid"
    return picture.format(kind, words, width, height, width, height, stretch, Markup("").join(shapes))
