"""Audiences for tests: rows, plans, and a list that does what requests say."""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain

from airflow_provider_rokt.api.endpoints import IMPORT_V3
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberPacker
from airflow_provider_rokt.audiences.import_road import MemberIntake
from airflow_provider_rokt.audiences.members import member_reader
from airflow_provider_rokt.audiences.plan import AudiencePlan, Change, plan_changes
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import RowFault

ENVELOPE = ImportEnvelope(IMPORT_V3, "vip", "4711")


def address(number: int) -> str:
    return f"jane{number}@example.com"


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def plan_of(
    members: Iterable[object],
    wanted: Iterable[object] | None = None,
    *,
    remembered: Sequence[Iterable[bytes]] | None = None,
    hash_emails: bool = True,
    default: bool = True,
    memory_lines: int = 3,
) -> tuple[AudiencePlan, list[RowFault]]:
    """The plan of a query's rows, and what was rejected."""
    spool = MemberSpool(memory_lines=memory_lines)
    intake = MemberIntake(spool, member_reader(hash_emails=hash_emails), wanted=default)
    faults = intake.take(list(members), None if wanted is None else list(wanted)).faults
    plan = plan_changes(spool.sorted_lines(), remembered=remembered)
    spool.close()
    return plan, [*faults, *chain.from_iterable(plan.contradictions())]


def requests_of(changes: Iterable[Change], *, max_members: int = 4) -> Iterator[Request]:
    return MemberPacker(ENVELOPE, max_members=max_members).requests(changes)


class ListAtRokt:
    """The audience as Rokt keeps it, by the members' hashes."""

    def __init__(self) -> None:
        self.members: set[str] = set()

    def take(self, request: Request) -> None:
        body = json.loads(request.body)
        members = {*body.get("sha256s", ()), *map(hashed, body.get("emails", ()))}
        self.members = self.members | members if body["action"] == "include" else self.members - members
