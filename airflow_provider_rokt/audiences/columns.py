"""Which columns of an audience query mean what, on either of Rokt's roads."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.audiences.guards import MIRRORED_IDENTITIES
from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.destinations import IDENTITY_PATHS, MEMBERSHIP, automatic
from airflow_provider_rokt.events.documents import MappingPlan
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.events.mapping import Columns, compile_mapping, mapping_problems
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktMappingError, short_name
from airflow_provider_rokt.flow.census import Census

# A membership event's own attributes: a row may say itself whether its person is in, and in which audience.
STATUS: Final = "events[].data.custom_attributes.status"
AUDIENCE: Final = "events[].data.custom_attributes.audience_name"
_OWN: Final = {"status": STATUS, "audience_name": AUDIENCE}


class MembershipColumns(NamedTuple):
    """A query's columns, as an audience reads them.

    :param plan: identities, attributes and the rest of a membership event.
    :param status: place of the column that says in or out; None where the mode says it.
    :param audience: place of the column that names the audience; None where the task names it.
    """

    plan: MappingPlan
    status: int | None
    audience: int | None

    @property
    def identities(self) -> list[str]:
        """The paths of the identities that are filled."""
        filled = {step.path for step in self._steps}
        return [path for path in IDENTITY_PATHS if path in filled]

    @property
    def addresses(self) -> list[Step]:
        """What fills the address and its hash."""
        return [step for step in self._steps if step.path in MIRRORED_IDENTITIES]

    @property
    def attributes(self) -> set[str]:
        """The names of the user attributes that are filled."""
        return {step.key for section, steps in self.plan.sections if section == "user_attributes" for step in steps}

    @property
    def not_imported(self) -> list[str]:
        """The mapped paths that the audience import has no place for."""
        return sorted({step.path for step in self._steps} - set(MIRRORED_IDENTITIES))

    def census(self, *, imported: bool) -> Census:
        """What is counted of their values; an address may be sent as its hash, so both are covered.

        :param imported: whether the import has a place for addresses alone.
        """
        census = self.plan.census
        addresses = {path: COVERED[path] for path in MIRRORED_IDENTITIES} if self.addresses else {}
        census.covered = addresses if imported else census.covered | addresses
        return census

    @property
    def _steps(self) -> list[Step]:
        return self.plan.steps


def membership_columns(mapping: Mapping[str, object] | None, names: Sequence[str], rules: Rules) -> MembershipColumns:
    """Reads an audience's mapping.

    :param mapping: as for conversions; besides, :data:`STATUS` and :data:`AUDIENCE` may name a column each. None
        maps each column to the field it is named after, ``status`` and ``audience_name`` included.
    :raises RoktMappingError: with what is wrong with it.
    """
    columns = Columns(names)
    chosen = dict(mapping) if mapping is not None else _named_after(columns.names)
    own = {path: chosen.pop(path, None) for path in _OWN.values()}
    plan = compile_mapping(chosen, names, rules, MEMBERSHIP)
    return MembershipColumns(plan, _place(columns, STATUS, own[STATUS]), _place(columns, AUDIENCE, own[AUDIENCE]))


def membership_problems(mapping: Mapping[str, object], rules: Rules) -> list[str]:
    """What is wrong with an audience's mapping whatever columns the query has, a sentence each."""
    rest = {path: source for path, source in mapping.items() if path not in _OWN.values()}
    own = [problem for path in _OWN.values() if (problem := _not_a_column(path, mapping.get(path)))]
    return [*mapping_problems(rest, rules, MEMBERSHIP), *own]


def _named_after(names: Sequence[str]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    problems = []
    for name in names:
        try:
            path = _OWN.get(name.lower()) or automatic(name, MEMBERSHIP).path
        except RoktMappingError as problem:
            problems.append(str(problem))
            continue
        if path in mapping:
            problems.append(
                f"columns {short_name(mapping[path])!r} and {short_name(name)!r} both mean {short_name(path)}"
            )
        mapping[path] = name
    if problems:
        raise RoktMappingError("The mapping cannot be used:", problems)
    return mapping


def _place(columns: Columns, path: str, source: object) -> int | None:
    if source is None:
        return None
    if problem := _not_a_column(path, source):
        raise RoktMappingError(problem)
    return columns.find(str(source))


def _not_a_column(path: str, source: object) -> str | None:
    if source is None or isinstance(source, str):
        return None
    return f"{path}: map it to a column, by name; what is the same for all rows is the task's argument"
