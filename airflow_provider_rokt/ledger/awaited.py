"""Deliveries that someone waits for: named by a task's result, by an id, or by many of either."""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.ledger.overview import Ledger, delivery_id_of

Awaited = dict[str, bool]
"""Delivery id -> whether its ledger must exist already, because the task that wrote it has ended."""


def awaited(delivery: Any) -> Awaited:
    """The deliveries an argument names.

    :param delivery: an operator's result, a delivery id or ledger URI, text holding either as JSON or Python
        literal (what a template renders to), or any iterable of these, as mapped tasks return.
    """
    found: Awaited = {}
    for delivery_id, begun in _named(delivery):
        found[delivery_id] = begun or found.get(delivery_id, False)
    return found


def unfinished(ledger: Ledger, deliveries: Awaited) -> Awaited:
    """Those without their final report; a ledger that must exist and does not is an error."""
    return {name: begun for name, begun in deliveries.items() if not _finished(ledger, name, begun)}


def _finished(ledger: Ledger, delivery_id: str, begun: bool) -> bool:
    reader = ledger.open(delivery_id) if begun else ledger.find(delivery_id)
    return reader is not None and reader.finished


def _named(delivery: Any) -> Iterator[tuple[str, bool]]:
    if isinstance(delivery, Mapping):
        yield _of_result(delivery), True
    elif isinstance(delivery, str) and delivery.strip().startswith(("{", "[", "(")):
        yield from _named(_literal(delivery))
    elif isinstance(delivery, str) and delivery.strip() not in ("", "None"):
        yield delivery_id_of(delivery.strip()), False
    elif isinstance(delivery, Iterable) and not isinstance(delivery, str | bytes):
        for one in delivery:
            yield from _named(one)
    else:
        nothing = delivery is None or isinstance(delivery, str)
        raise _refusal("it holds nothing" if nothing else f"it holds a value of type {type(delivery).__name__}")


def _of_result(result: Mapping[str, Any]) -> str:
    delivery_id = result.get("delivery_id")
    if not isinstance(delivery_id, str):
        raise _refusal("it holds a dict without delivery_id")
    return delivery_id_of(delivery_id)


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        # Without render_template_as_native_obj a template renders a result to Python's repr of it.
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise _refusal("it holds text that is neither a delivery id nor a result") from None


def _refusal(found: str) -> RoktSettingsError:
    hint = "give a Rokt operator's result (operator.output), a delivery_id, or a list of either"
    return RoktSettingsError("argument 'delivery'", [f"{found}; {hint}"])
