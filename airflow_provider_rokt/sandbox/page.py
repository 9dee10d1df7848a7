"""The page a person sees who opens the sandbox in a browser."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from airflow_provider_rokt.sandbox.faults import AnyFault

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Rokt sandbox</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #ddd }}
td {{ font-variant-numeric: tabular-nums }}
</style></head><body>
<h1>Rokt sandbox</h1>
<p>A local Rokt. Everything it holds is in memory and gone when it stops.</p>
<h2>What it holds</h2>
<table>{counts}</table>
<h2>What it believes of Rokt</h2>
<table>{readings}</table>
<h2>Faults that are set</h2>
{faults}
<p><a href="/sandbox/events">Batches</a>, <a href="/sandbox/unprocessed">unprocessed batches</a>,
<a href="/sandbox/dropped">events taken and not stored</a>,
<a href="/sandbox/audiences">audiences</a>, <a href="/sandbox/summary">summary</a></p>
</body></html>
"""


def page(summary: Mapping[str, Any], faults: Sequence[AnyFault]) -> str:
    """The page, with names, counts and readings only."""
    readings = "".join(_row(name, str(value)) for name, value in summary["readings"].items())
    counts = "".join(_row(name, _number(value)) for name, value in summary.items() if name != "readings")
    listed = "".join(f"<li><code>{escape(msgspec.json.encode(fault).decode())}</code></li>" for fault in faults)
    return _PAGE.format(counts=counts, readings=readings, faults=f"<ul>{listed}</ul>" if listed else "<p>None.</p>")


def _number(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {count:,}" for key, count in value.items()) or "none"
    return f"{value:,}"


def _row(name: str, value: str) -> str:
    return f"<tr><th scope=row>{escape(name.replace('_', ' ').capitalize())}</th><td>{escape(value)}</td></tr>"
