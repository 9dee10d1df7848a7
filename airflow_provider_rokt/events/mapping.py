"""From a mapping, as a DAG's author writes it, to the plan that every row is put through."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Final, NamedTuple

from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.destinations import (
    CONVERSION,
    IDENTITY_PATHS,
    Destination,
    Profile,
    automatic,
    destination,
)
from airflow_provider_rokt.events.documents import Consent, MappingPlan
from airflow_provider_rokt.events.fields import COVERED, Cost
from airflow_provider_rokt.events.rules import CHECKS, Rules
from airflow_provider_rokt.events.values import BadValue, Json, Normaliser, unreadable
from airflow_provider_rokt.exceptions import RoktMappingError, short_name
from airflow_provider_rokt.flow.census import Census

# Of the columns of a query, those that an error lists.
_MOST_NAMES: Final = 40


def compile_mapping(
    mapping: Mapping[str, object] | None,
    columns: Sequence[str],
    rules: Rules,
    profile: Profile = CONVERSION,
) -> MappingPlan:
    """Makes the plan for the rows of one query.

    :param mapping: destination path to source: a column's name, ``{"column": name, "default": value}`` or
        ``{"literal": value}``. None maps each column to the field whose last path segment it is named after.
    :param columns: the names of the query's columns, in order.
    :raises RoktMappingError: with everything that is wrong with the mapping.
    """
    found = Columns(columns)
    compiler = _Compiler(found, rules, profile)
    compiler.take(compiler.name_fields(found) if mapping is None else mapping)
    return compiler.plan()


def step_of(
    path: str,
    mapping: Mapping[str, object] | None,
    columns: Sequence[str],
    rules: Rules,
    profile: Profile = CONVERSION,
) -> Step:
    """How one field alone is read, whatever else the mapping names and the query lacks.

    :param path: of one of Rokt's own fields.
    :param mapping: as :func:`compile_mapping` takes it, as the others.
    :raises RoktMappingError: where it is not mapped, or not to a column of the query.
    """
    source = _named(path, columns, profile) if mapping is None else mapping.get(path)
    if source is None:
        raise RoktMappingError(f"the mapping does not name {path}")
    compiler = _Compiler(Columns(columns), rules, profile)
    return compiler.step(destination(path, profile), _source(path, source))


def mapping_problems(mapping: Mapping[str, object], rules: Rules, profile: Profile) -> list[str]:
    """What is wrong with a mapping whatever columns the query has, a sentence each."""
    compiler = _Compiler(None, rules, profile)
    compiler.take(mapping)
    return compiler.problems


def mapped_columns(mapping: Mapping[str, object]) -> dict[str, bool]:
    """The columns that a mapping names, in order, to whether each has a default wherever it is named.

    Sources that are none are left to :func:`compile_mapping`.
    """
    columns: dict[str, bool] = {}
    for path, given in mapping.items():
        with suppress(RoktMappingError):
            source = _source(path, given)
            if source.column is not None:
                columns[source.column] = source.has_default and columns.get(source.column, True)
    return columns


def least_columns(profile: Profile) -> tuple[str, ...]:
    """The fewest columns that rows of this kind can have without a mapping."""
    return ("email", *sorted(path.rpartition(".")[2] for path in profile.required))


def _named(path: str, columns: Sequence[str], profile: Profile) -> str:
    """The column that means a field by its name."""
    found = []
    for column in columns:
        with suppress(RoktMappingError):
            if automatic(column, profile).path == path:
                found.append(column)
    if len(found) != 1:
        name = path.rpartition(".")[2]
        raise RoktMappingError(
            f"{'several columns are' if found else 'no column is'} named after {path} (the query returns "
            f"{_listed(columns) or 'none'}): select one AS {name}, or pass a mapping"
        )
    return found[0]


class Columns:
    """The columns of a result.

    :param names: their names, in order; a source has seen to it that they differ.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._places = {name: place for place, name in enumerate(names)}

    def find(self, name: str) -> int:
        """Place of the column named exactly so, or else of the only one named so in any case.

        :raises RoktMappingError: if there is none, or no single one.
        """
        matches = self._matches(name)
        if len(matches) == 1:
            return self._places[matches[0]]
        if matches:
            raise RoktMappingError(f"column {short_name(name)!r} could be any of {_listed(matches)}: write it exactly")
        lowered = {column.lower(): column for column in self.names}
        close = [lowered[match] for match in get_close_matches(name.lower(), lowered)]
        raise RoktMappingError(
            f"the query returns no column {short_name(name)!r} ({'close' if close else 'it returns'}: "
            f"{_listed(close or self.names) or 'none'})"
        )

    def _matches(self, name: str) -> list[str]:
        if name in self._places:
            return [name]
        return [column for column in self.names if column.lower() == name.lower()]


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(repr(short_name(name)) for name in names[:_MOST_NAMES])
    return listed + (", …" if len(names) > _MOST_NAMES else "")


class _Source(NamedTuple):
    """Where a value comes from: `column`, and `constant` where the column has none or there is no column.

    :param on_invalid: what an invalid value costs; None for what the delivery's rules say.
    """

    column: str | None
    constant: object = None
    has_default: bool = False
    on_invalid: object = None


class _Compiler:
    """Takes a mapping's entries one by one and keeps all that is wrong with them, to say it at once."""

    def __init__(self, columns: Columns | None, rules: Rules, profile: Profile) -> None:
        self._columns = columns
        self._rules = rules
        self._profile = profile
        self.problems: list[str] = []
        self._entries: list[tuple[Destination, Step]] = []

    def name_fields(self, columns: Columns) -> dict[str, str]:
        """The mapping that the columns' names stand for."""
        mapping: dict[str, str] = {}
        for column in columns.names:
            try:
                path = automatic(column, self._profile).path
            except RoktMappingError as problem:
                self.problems.append(str(problem))
                continue
            if path in mapping:
                self.problems.append(
                    f"columns {short_name(mapping[path])!r} and {short_name(column)!r} both mean {short_name(path)}"
                )
            mapping[path] = column
        return mapping

    def take(self, mapping: Mapping[str, object]) -> None:
        """Takes a mapping, and checks that it has what each row needs."""
        for path, source in mapping.items():
            self._add(path, source)
        self._require(mapping)

    def _add(self, path: str, source: object) -> None:
        try:
            place = destination(path, self._profile)
            self._entries.append((place, self.step(place, _source(path, source))))
        except RoktMappingError as problem:
            self.problems.append(str(problem))

    def _require(self, mapping: Mapping[str, object]) -> None:
        missing = sorted(self._profile.required - mapping.keys())
        if missing:
            self.problems.append(f"required and not mapped: {', '.join(missing)}")
        if mapping.keys().isdisjoint(IDENTITY_PATHS):
            self.problems.append(f"no identity is mapped: one of {', '.join(IDENTITY_PATHS)} is needed")
        for section in {place.section for place, _ in self._entries if place.section.startswith("consent_state.")}:
            if f"{section}.consented" not in mapping:
                self.problems.append(
                    f"{short_name(section)}: map {short_name(section)}.consented too, a record without it says nothing"
                )

    def plan(self) -> MappingPlan:
        """The plan of all entries taken.

        :raises RoktMappingError: if there was anything wrong.
        """
        if self.problems:
            raise RoktMappingError("The mapping cannot be used:", self.problems)
        sections = self._sections()
        return MappingPlan(
            columns=self._columns_read(),
            environment=self._rules.environment,
            event={
                "event_name": self._profile.event_name,
                "custom_event_type": self._profile.custom_event_type,
            },
            root=sections.pop("", ()),
            data=sections.pop("events[].data", ()),
            attributes=sections.pop("events[].data.custom_attributes", ()),
            consents=tuple(_consent(name, steps) for name, steps in sections.items() if "." in name),
            sections=tuple((name, steps) for name, steps in sections.items() if "." not in name),
            now=int(self._rules.now * 1000),
            census=Census({place.path: bit for place, _ in self._entries if (bit := COVERED.get(place.path))}),
        )

    def step(self, place: Destination, source: _Source) -> Step:
        """How a place is filled from its source.

        :raises RoktMappingError: where they do not fit.
        """
        normalise = place.field.kind.normaliser(self._rules)
        fallback = _constant(place.path, source, normalise)
        required = place.path in self._profile.required
        return Step(
            place.path,
            place.key,
            self._column(place.path, source),
            normalise,
            fallback,
            required,
            _cost(place, source, self._rules, required),
            COVERED.get(place.path, 0),
        )

    def _column(self, path: str, source: _Source) -> int | None:
        if source.column is None or self._columns is None:
            return None
        try:
            return self._columns.find(source.column)
        except RoktMappingError as problem:
            raise RoktMappingError(f"{short_name(path)}: {problem}") from None

    def _sections(self) -> dict[str, tuple[Step, ...]]:
        """The steps of each section, in the order of the table of fields."""
        sections: dict[str, tuple[Step, ...]] = {}
        for place, step in sorted(self._entries, key=lambda entry: entry[0].place):
            sections[place.section] = (*sections.get(place.section, ()), step)
        return sections

    def _columns_read(self) -> tuple[str, ...]:
        places = {step.place for _, step in self._entries if step.place is not None}
        names = self._columns.names if self._columns else ()
        return tuple(names[place] for place in sorted(places))


def _source(path: str, source: object) -> _Source:
    if isinstance(source, str):
        return _Source(source)
    if isinstance(source, Mapping):
        if source.keys() == {"literal"}:
            return _Source(None, source["literal"])
        column = source.get("column")
        if isinstance(column, str) and source.keys() <= {"column", "default", "on_invalid"}:
            return _Source(column, source.get("default"), "default" in source, source.get("on_invalid"))
    raise RoktMappingError(
        f"{short_name(path)}: its source has to be a column's name, {{'column': name, 'default': value, 'on_invalid': "
        "'drop' or 'reject'}, or {'literal': value}"
    )


def _cost(place: Destination, source: _Source, rules: Rules, required: bool) -> Cost:
    """What a value that cannot be read costs: the mapping's word first, then the task's, then the table's."""
    own, task = source.on_invalid, rules.on_invalid
    if problem := CHECKS["on_invalid"](own):
        raise RoktMappingError(f"{short_name(place.path)}: on_invalid {problem}")
    if required and own == "drop":
        raise RoktMappingError(f"{short_name(place.path)}: on_invalid='drop' is not for a required field")
    if required or (own or task) == "reject":
        return Cost.ROW
    if own is None and place.path.startswith("consent_state.") and place.key == "timestamp_unixtime_ms":
        # Left out, the event's time would be sent, at which nobody was asked.
        return Cost.ROW
    if place.field.cost is Cost.IDENTITY or (own is None and task is None):
        return place.field.cost
    return Cost.FIELD


def _constant(path: str, source: _Source, normalise: Normaliser) -> Json | None:
    role = "literal" if source.column is None else "default"
    try:
        value = normalise(source.constant)
    except BadValue as bad:
        raise RoktMappingError(f"{short_name(path)}: the {role} does not fit: {bad.reason}") from None
    except Exception:  # an object of the DAG's author that no rule was prepared for
        raise RoktMappingError(f"{short_name(path)}: the {role} does not fit: {unreadable(source.constant)}") from None
    if value is None and source.column is None:
        raise RoktMappingError(f"{short_name(path)}: the literal is empty")
    return value


def _consent(section: str, steps: tuple[Step, ...]) -> Consent:
    _, regulation, purpose = section.split(".")
    return Consent(regulation, purpose, steps)
