"""Says what is wrong with a batch: the schema file is the authority, the words are ours.

Two validators read the one schema: ``jsonschema_rs`` decides, 140 times faster; ``jsonschema`` explains the few
batches it refuses. Messages of both quote the offending value, so none of them is ever passed on: a reason is
built from the rule alone.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_rokt.flow.row import FieldFault

if TYPE_CHECKING:  # importing a validator takes a quarter of a second, which a DAG file must not pay for
    import jsonschema
    import jsonschema_rs

Root = Literal["conversion", "membership"]

_UNEXPLAINED: Final = FieldFault("", "refused by the schema, though no rule of it explains why: please report this")
_IDENTITY_PATH: Final = "user_identities"
_FORMATS: Final = ("ipv4", "ipv6")
# Half of a character outside the Basic Multilingual Plane: Python holds it, UTF-8 and so JSON does not.
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TYPES: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
# The broken rule in words, around what the schema allows. Lower bounds of a length are 1 throughout the schema.
_WORDS: Final = {
    "type": "not {}",
    "const": "not {}",
    "enum": "not one of: {}",
    "minLength": "empty",
    "minItems": "empty",
    "maxLength": "longer than {} characters",
    "maxItems": "more than {} entries",
    "maxProperties": "more than {} attributes",
    "minimum": "less than {}",
    "maximum": "more than {}",
}
# Where the bare bound would be a regular expression or a long number, the schema's title says it better.
_TITLED: Final = frozenset({"pattern", "format", "anyOf", "minimum", "maximum"})


class Validator:
    """Checks complete batches against one root of the schema; compiled at its first use.

    :param root: ``"conversion"`` or ``"membership"`` (an audience membership update).
    """

    def __init__(self, root: Root) -> None:
        self._root = root

    def faults(self, document: object) -> list[FieldFault]:
        """Everything that is wrong with a batch; empty when Rokt would take it."""
        if self.accepts(document):
            return []
        return self.explain(document) or [_UNEXPLAINED]

    def accepts(self, document: object) -> bool:
        """Whether it fits; the fast way."""
        return self._accepts_all([document])

    def accepted(self, documents: Sequence[object]) -> list[bool]:
        """Whether each of many fits, in their order."""
        # All at once takes a fifth less time; what a bad one costs in addition is little beside its explanation, which
        # takes as long as judging some 250.
        if self._accepts_all(documents):
            return [True] * len(documents)
        return list(map(self.accepts, documents))

    def explain(self, document: object) -> list[FieldFault]:
        """What the reference says: each fault once, in the schema's order. Slow."""
        faults = (fault for error in self._reference.iter_errors(document) for fault in _faults_of(error))
        return list(dict.fromkeys(faults))

    def _accepts_all(self, documents: Sequence[object]) -> bool:
        try:
            return self._fast.is_valid(documents)
        except ValueError:  # not JSON: a date, bytes, a name that is no text, a lone surrogate
            return False

    @cached_property
    def _fast(self) -> "jsonschema_rs.Draft202012Validator":
        """Of a list of documents."""
        from jsonschema_rs import Draft202012Validator, RegexOptions

        schema = _schema(schema_text(), self._root)
        documents = {"$defs": schema["$defs"], "items": {"$ref": schema["$ref"]}}
        # The schema's patterns look neither ahead nor back, so the engine of linear time will do.
        return Draft202012Validator(documents, validate_formats=True, pattern_options=RegexOptions())

    @cached_property
    def _reference(self) -> "jsonschema.Draft202012Validator":
        from jsonschema import Draft202012Validator, FormatChecker
        from jsonschema.validators import extend

        # What Python would let through, but JSON cannot say: NaN, infinities, lone surrogates.
        types = Draft202012Validator.TYPE_CHECKER.redefine_many({"number": _is_number, "string": _is_text})
        dialect: Any = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
        # In ECMA-262, JSON Schema's dialect, "$" is the end of the text; in Python a line break may follow it.
        text = schema_text().replace('$"', r'\\Z"')
        reference: Draft202012Validator = dialect(_schema(text, self._root), format_checker=FormatChecker(_FORMATS))
        return reference


@cache
def schema_text() -> str:
    """The schema file: JSON Schema, draft 2020-12, with a definition for each root."""
    return files("airflow_provider_rokt.events").joinpath("schema", "batch.json").read_text("utf-8")


def _schema(text: str, root: Root) -> dict[str, Any]:
    return {**json.loads(text), "$ref": f"#/$defs/{root}"}


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_text(_: object, value: object) -> bool:
    return isinstance(value, str) and not _LONE_SURROGATE.search(value)


def _faults_of(error: "jsonschema.ValidationError") -> Iterator[FieldFault]:
    path, rule = _path(error.absolute_path), str(error.validator)
    instance: Any = error.instance
    bound: Any = error.validator_value
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if rule == "required":
        yield from (FieldFault(_join(path, name), "required, but missing") for name in bound if name not in instance)
    elif rule == "additionalProperties":
        unknown = (name for name in instance if name not in schema["properties"])
        yield from (FieldFault(_join(path, name), "unknown field") for name in unknown)
    elif "propertyNames" in error.absolute_schema_path:  # the instance is a name, the path its owner's
        yield FieldFault(_join(path, instance), f"name {_reason(rule, bound, schema)}")
    else:
        # Only the rule that somebody is identified binds the batch as a whole and is no field's own.
        yield FieldFault(path or (_IDENTITY_PATH if rule == "anyOf" else ""), _reason(rule, bound, schema))


def _path(steps: Iterable[str | int]) -> str:
    """As the guide writes it: ``events[].data.timestamp_unixtime_ms``, whichever event it is."""
    path = ""
    for step in steps:
        path = f"{path}[]" if isinstance(step, int) else _join(path, step)
    return path


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _reason(rule: str, bound: Any, schema: Mapping[str, Any]) -> str:
    """Made of the schema alone, never of what was checked."""
    if rule in _TITLED and "title" in schema:
        return f"not {schema['title']}"
    allowed = bound if isinstance(bound, list) else [bound]
    if rule == "type":
        allowed = [_TYPES[name] for name in allowed]
        rule = "type" if len(allowed) == 1 else "enum"
    return _WORDS[rule].format(", ".join(map(str, allowed)))
