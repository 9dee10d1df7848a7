"""A mapping compiled: the few steps that make each row a batch of one event."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import repeat
from typing import Final, NamedTuple

from airflow_provider_rokt.events.block import Block, Document, Step
from airflow_provider_rokt.events.destinations import DEVICE_IDENTITIES, IDENTITY_PATHS
from airflow_provider_rokt.events.fields import COVERED, FIELDS, Cost
from airflow_provider_rokt.events.lightening import heaviest, take_out
from airflow_provider_rokt.events.personal import is_personal
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.row import FieldFault, RowRef, names_place
from airflow_provider_rokt.flow.stream import Row
from airflow_provider_rokt.limits import BATCH_BYTES

# mParticle's number for Rokt, and the attribute its web SDK puts a click id under; Segment sends it there too.
_ROKT_MODULE: Final = "1277"
_CLICK_ID: Final = "passbackconversiontrackingid"
_NO_IDENTITY: Final = f"the row has no identity: one of {', '.join(IDENTITY_PATHS)} is needed"
# Rows read at once: many enough to be fast, few enough that what is made of them is still in the processor's cache when
# it is validated and written.
_BLOCK: Final = 250
_OTHER_PATH: Final = "user_identities.other"
_ROKTS_PATHS: Final = frozenset(field.path for field in FIELDS if not field.is_open)
_EMAIL, _OTHER = COVERED["user_identities.email"], COVERED[_OTHER_PATH]
_NOTHING: Final[Sequence[FieldFault]] = ()
_ENDLESS: Final = repeat(_NOTHING)
_TOO_HEAVY: Final = f"so long that its row would be larger than {BATCH_BYTES} bytes"
# Keys are logged and kept; longer ones are named by their digest.
_KEY_CHARS: Final = 128


class Consent(NamedTuple):
    """Fills one consent record: ``consent_state.<regulation>.<purpose>``."""

    regulation: str
    purpose: str
    steps: tuple[Step, ...]


class MappedRow(NamedTuple):
    """What a row became.

    :param document: a complete batch of one event, of use only when there are no faults.
    :param faults: everything that costs the row.
    :param dropped: the values that were left out because they cannot be sent.
    :param coverage: the covered paths that it carries, as bits.
    """

    row: RowRef
    document: Document
    faults: list[FieldFault]
    dropped: Sequence[FieldFault]
    coverage: int


# A third of the time of the constructors that named tuples have, at one of each per row.
_row_ref: Final = partial(tuple.__new__, RowRef)
_mapped_row: Final = partial(tuple.__new__, MappedRow)


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """How each row of a query becomes a batch of one event.

    :param columns: the source columns it reads.
    :param environment: of every batch.
    :param event: the event data's fixed values.
    :param root: steps for the batch's own keys.
    :param sections: steps for each of its objects, in the order of the guide's example.
    :param consents: its consent records.
    :param data: steps for the event's data.
    :param attributes: steps for the event's custom attributes.
    :param now: milliseconds since 1970; the time of a consent where neither it nor the event has one.
    :param census: counts the values of all rows it is applied to.
    """

    columns: tuple[str, ...]
    environment: str
    event: Mapping[str, str]
    root: tuple[Step, ...]
    sections: tuple[tuple[str, tuple[Step, ...]], ...]
    consents: tuple[Consent, ...]
    data: tuple[Step, ...]
    attributes: tuple[Step, ...]
    now: int
    census: Census

    def apply(self, rows: Sequence[Row], first: int) -> Iterator[list[MappedRow]]:
        """Makes each row a batch, or says everything that keeps it from being one; some hundred at a time.

        :param first: the first one's place in the result, from 1.
        """
        for start in range(0, len(rows), _BLOCK):
            yield self._apply(rows[start : start + _BLOCK], first + start)

    @property
    def steps(self) -> list[Step]:
        """Every step, whatever it fills."""
        groups = [self.root, self.data, self.attributes]
        groups += [steps for _, steps in self.sections] + [consent.steps for consent in self.consents]
        return [step for steps in groups for step in steps]

    @property
    def paths(self) -> frozenset[str]:
        """The paths that the mapping names and those of Rokt's own fields: none is made of what a row holds."""
        return _ROKTS_PATHS.union(step.path for step in self.steps)

    def mend(self, document: Document, validator: Validator) -> tuple[list[FieldFault], list[FieldFault]]:
        """Takes the values out of a row's batch that the schema refuses, if that makes it fit; counts them then.

        :returns: what costs the row, and what was left out.
        """
        if not (faults := validator.faults(document)):
            return [], []
        # What is wrong with an entry is wrong with its list.
        lost = list(dict.fromkeys(FieldFault(path.removesuffix("[]"), reason) for path, reason in faults))
        costs = {step.path: step.cost for step in self.steps}
        if any(costs.get(path, Cost.ROW) is Cost.ROW for path, _ in lost):
            return faults, []
        for path in dict.fromkeys(fault.path for fault in lost):
            take_out(document, path)
        if not validator.accepts(document):
            return faults, []
        self.census.invalid.update(lost)
        return [], lost

    def lighten(self, document: Document, excess: int) -> list[FieldFault]:
        """Takes the longest values out of a row's batch that is too large, those that need not cost the row, if that
        makes it fit; counts them then.

        :param excess: by how many bytes it is too large.
        :returns: what was left out.
        """
        may_go = [
            step.path for step in self.steps if step.cost is not Cost.ROW and not step.path.startswith("consent_state.")
        ]
        lost = [FieldFault(path, _TOO_HEAVY) for path in heaviest(document, may_go, excess)]
        for path, _ in lost:
            take_out(document, path)
        self.census.invalid.update(lost)
        return lost

    def _apply(self, rows: Sequence[Row], first: int) -> list[MappedRow]:
        block = Block(rows, self.census)
        documents = block.filled([{"environment": self.environment} for _ in rows], self.root)
        for name, steps in self.sections:
            _put(documents, name, block.objects(steps))
        hashed = [
            index
            for index, (document, faults) in enumerate(zip(documents, block.faults, strict=True))
            if _settle_identities(document, faults, block.dropped.get(index) if block.dropped else None)
        ]
        data = block.filled([dict(self.event) for _ in rows], self.data)
        if self.consents:
            _put(documents, "consent_state", self._consent_states(block, data))
        _put(data, "custom_attributes", block.objects(self.attributes))
        for document, values in zip(documents, data, strict=True):
            document["events"] = [{"event_type": "custom_event", "data": values}]
        refs = [_row_ref((number, _key(values, number))) for number, values in enumerate(data, first)]
        coverage = block.coverage
        if hashed:
            self.census.covered[_OTHER_PATH] = _OTHER
        for index in hashed:
            coverage[index] = (coverage[index] & ~_EMAIL) | _OTHER
        dropped = [block.dropped.get(index, _NOTHING) for index in range(len(rows))] if block.dropped else _ENDLESS
        return list(map(_mapped_row, zip(refs, documents, block.faults, dropped, coverage)))  # noqa: B905 # one is endless

    def _consent_states(self, block: Block, data: Sequence[Document]) -> list[Document]:
        states: list[Document] = [{} for _ in data]
        for regulation, purpose, steps in self.consents:
            for state, record, event in zip(states, block.objects(steps), data, strict=True):
                # Without a yes or no the rest of a record says nothing.
                if "consented" in record:
                    record.setdefault("timestamp_unixtime_ms", event.get("timestamp_unixtime_ms", self.now))
                    state.setdefault(regulation, {})[purpose] = record
        return states


def _put(objects: Iterable[Document], name: str, members: Iterable[Document]) -> None:
    """Gives each object its member of that name, unless that is empty."""
    for made, member in zip(objects, members, strict=True):
        if member:
            made[name] = member


def _settle_identities(document: Document, faults: list[FieldFault], dropped: list[FieldFault] | None) -> bool:
    """Sees to it that somebody is identified, and by the right name; whether the address turned out to be a hash."""
    identities = document.get("user_identities")
    if identities is None:
        if DEVICE_IDENTITIES.isdisjoint(document.get("device_info", ())) and not _identity_at_fault(faults):
            # An identity that cannot be read costs its row only now that there is no other.
            lost = [fault for fault in dropped or () if fault.path in IDENTITY_PATHS]
            faults += lost or [FieldFault("user_identities", _NO_IDENTITY)]
            if dropped:
                dropped[:] = [fault for fault in dropped if fault not in lost]
        return False
    address, is_hash = identities.get("email"), False
    if address is not None and "@" not in address:
        # A hashed address; one mapped to `other` on purpose goes before it.
        identities.setdefault("other", identities.pop("email"))
        is_hash = True
    if "other2" in identities:
        document["integration_attributes"] = {_ROKT_MODULE: {_CLICK_ID: identities["other2"]}}
    return is_hash


def _identity_at_fault(faults: Iterable[FieldFault]) -> bool:
    return any(fault.path in IDENTITY_PATHS for fault in faults)


def _key(data: Document, number: int) -> str:
    """The name of a row: its id, or the digest of an id that may not be told.

    The digest is the same in every run: ``sha256:`` and the first 16 hex digits of the SHA-256 of the id as it is sent,
    in UTF-8. Who has the id finds its row by ``printf %s "$ID" | sha256sum | cut -c 1-16``.
    """
    key: str | None = data.get("source_message_id")
    if key is None:
        return RowRef.at(number).key
    # Some use the customer's address as the id, but a key is logged; one like "row 17" would be taken for a place.
    if names_place(key) or len(key) > _KEY_CHARS or not key.isprintable() or is_personal(key):
        return f"sha256:{sha256(key.encode()).hexdigest()[:16]}"
    return key
