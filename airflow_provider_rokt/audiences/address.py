"""Who a row names: by an e-mail address, by its SHA-256, or by both."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from airflow_provider_rokt.audiences.members import Member, member_reader
from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.values import text
from airflow_provider_rokt.flow.row import FieldFault
from airflow_provider_rokt.flow.stream import Row

EMAIL: Final = "user_identities.email"
OTHER: Final = "user_identities.other"
# Nobody can tell whom such a row means: a removal, which knows only one of the two, could miss the person.
DISAGREE: Final = FieldFault(OTHER, f"is not the SHA-256 of {EMAIL}: correct the row, or map one of the two only")

Reader = Callable[[Row], Member | FieldFault]


def address_reader(steps: Iterable[Step], *, hash_emails: bool) -> Reader:
    """The function that reads a row's person, the same on both of Rokt's roads.

    The address goes before the hash, and one of them is enough, whatever is in the other; a row without either takes
    the mapping's default.

    :param steps: those of :data:`EMAIL` and :data:`OTHER`, at least one.
    :param hash_emails: send an address as its SHA-256. One mapped to :data:`OTHER` is hashed either way.
    """
    columns = [
        (step, member_reader(hash_emails=hash_emails or step.path == OTHER, path=step.path))
        for step in sorted(steps, key=lambda step: step.path)
    ]
    (first, read_first), *others = columns
    if not others and first.place is not None and first.fallback is None:
        place = first.place
        return lambda row: read_first(row[place])

    def read(row: Row) -> Member | FieldFault:
        found: Member | None = None
        fault: FieldFault | None = None
        for step, read_value in columns:
            if (value := _value(step, row)) is None:
                continue
            member = read_value(value)
            if isinstance(member, FieldFault):
                fault = fault or member
                continue
            if found and found.person != member.person:
                return DISAGREE
            found = found or member
        if found and fault:
            return found._replace(lost=fault)
        return found or fault or read_first(None)

    return read


def _value(step: Step, row: Row) -> Any:
    value = None if step.place is None else row[step.place]
    try:
        return step.fallback if text(value) is None else value
    except Exception:
        # BadValue for the bytes of a hash; or what nobody can read, as the reader will say.
        return value
