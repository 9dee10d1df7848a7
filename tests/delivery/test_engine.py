import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.endpoints import BULK, HISTORICAL, IMPORT_V1, IMPORT_V3
from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.brake import MOST_IN_VAIN, Brake, nothing_accepted
from airflow_provider_rokt.delivery.engine import MOST_BYTES, Engine
from airflow_provider_rokt.delivery.exchange import Dispatcher, Exchange, Halt
from airflow_provider_rokt.delivery.settlement import Settlement, Settler
from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError
from airflow_provider_rokt.flow.request import Batch, Endpoint, Request
from airflow_provider_rokt.flow.row import NO_ROW, FieldFault, Outcome, RowRef
from airflow_provider_rokt.flow.threads import RealThreads
from airflow_provider_rokt.limits import REQUEST_BYTES
from airflow_provider_rokt.network.outages import NoAnswerError
from tests.api.clock import FakeClock, FakeStop, FakeThreads
from tests.delivery.rokt import ModelRokt, answer_of, batch_of, keys_of, place_of, request_of, requests_of

FAST = RetryPolicy(budget_seconds=60.0)
STYLES = ["path", "position", "none"]


class Bench:
    """A settler on time that passes by itself."""

    def __init__(self, rokt: Any, policy: RetryPolicy = FAST, rate: float = 1e9) -> None:
        self.clock = FakeClock()
        threads = FakeThreads(self.clock)
        self.halt = Halt(threads)
        self.pacer = Pacer(rate, threads=threads)
        self.brake = Brake(self.halt)
        dispatcher = Dispatcher(rokt.post, self.pacer, policy, self.halt, threads=threads)
        self.settle = Settler(dispatcher.dispatch, self.halt, self.brake).settle


def outcomes(settlement: Settlement) -> Counter[str]:
    """How many rows the ledger's batches say ended how."""
    return Counter(
        verdict.outcome.value
        for record in settlement.records
        for verdict in record.batches
        for _ in range(verdict.rows)
    )


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[list[str]], dict[str, str]]:
    """Users with their events' keys, and how Rokt complains of some of them."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=25))
    users = [[f"{user}-{event}" for event in range(size)] for user, size in enumerate(sizes)]
    keys = [key for user in users for key in user]
    return users, draw(st.dictionaries(st.sampled_from(keys), st.sampled_from(STYLES), max_size=len(keys)))


@settings(max_examples=150, deadline=None)
@given(
    delivery=deliveries(),
    troubles=st.dictionaries(st.integers(0, 12), st.sampled_from([429, 503, 500, 408, 413, "reset", "reset after"])),
    listed=st.none() | st.sampled_from([5, 10]),
)
def test_every_row_gets_the_verdict_it_deserves(
    delivery: tuple[list[list[str]], dict[str, str]], troubles: dict[int, int | str], listed: int | None
) -> None:
    users, refused = delivery
    # Rokt refuses a batch alone for its size by a limit of its own; here that is a trouble of the whole request.
    troubles = {post: trouble for post, trouble in troubles.items() if trouble != 413 or (post == 0 and len(users) > 1)}
    rokt = ModelRokt(refused, troubles, listed=listed)
    settlement = Bench(rokt, RetryPolicy(budget_seconds=6000.0)).settle(request_of(*users))
    good = {key for user in users for key in user if key not in refused}
    assert set(rokt.kept) == good
    assert settlement.accepted == len(good)
    assert sorted(keys_of(settlement.rejected)) == sorted(refused)
    assert settlement.failed == []
    assert outcomes(settlement) == Counter({"accepted": len(good), "rejected": len(refused)}) + Counter()
    assert sum(settlement.answers.values()) == rokt.posts
    # A user's events that were taken with an answer lost are posted again unchanged, so Rokt keeps them once.
    assert set(rokt.kept.values()) <= {1}
    assert settlement.unconfirmed.total() == 0 or {503, 500, "reset", "reset after"} & set(troubles.values())


@settings(max_examples=150, deadline=None)
@given(
    delivery=deliveries(),
    troubles=st.dictionaries(st.integers(0, 12), st.sampled_from([503, 429, "reset", "reset after"])),
    listed=st.none() | st.sampled_from([5, 10]),
)
def test_nothing_is_accepted_that_is_not_kept_where_ids_count_from_receipt(
    delivery: tuple[list[list[str]], dict[str, str]], troubles: dict[int, int | str], listed: int | None
) -> None:
    """Rokt may note the ids of what it refuses, and of what it was sent as it failed."""
    users, refused = delivery
    rokt = ModelRokt(refused, troubles, remembers_refused=True, listed=listed)
    settlement = Bench(rokt, RetryPolicy(budget_seconds=6000.0)).settle(request_of(*users))
    assert set(keys_of(settlement.rejected)) <= set(refused)
    ended = {*keys_of(settlement.rejected), *keys_of(settlement.failed)}
    accepted = {key for user in users for key in user} - ended
    assert settlement.accepted == len(accepted)
    assert len(accepted - set(rokt.kept)) <= settlement.unconfirmed.total()
    if not troubles:
        assert settlement.unconfirmed.total() == 0
        assert accepted == set(rokt.kept)


@pytest.mark.parametrize("trouble", [503, "reset", "reset after"])
def test_what_may_be_a_repeat_is_accepted_but_not_confirmed(trouble: int | str) -> None:
    settlement = Bench(ModelRokt(troubles={0: trouble})).settle(request_of(["a"], ["b"]))
    assert (settlement.accepted, settlement.unconfirmed.total()) == (2, 2)
    assert [verdict.confirmed for verdict in settlement.records[0].batches] == [False, False]
    settlement = Bench(ModelRokt(troubles={0: 429, 1: 408})).settle(request_of(["a"], ["b"]))
    assert (settlement.accepted, settlement.unconfirmed.total()) == (2, 0)
    # An import is told again whom to add: nobody drops that as a repeat.
    settlement = Bench(Scripted(answer_of(503), answer_of(201))).settle(import_of(10, 5))
    assert (settlement.accepted, settlement.unconfirmed.total()) == (10, 0)


def test_a_conflict_is_an_acceptance_where_the_same_may_have_arrived_before() -> None:
    settlement = Bench(Scripted(NoAnswerError("it broke"), answer_of(409))).settle(request_of(["a"], ["b"]))
    assert (settlement.accepted, settlement.unconfirmed.total(), settlement.failed) == (2, 2, [])
    settlement = Bench(Scripted(answer_of(409))).settle(request_of(["a"], ["b"]))
    assert (settlement.accepted, keys_of(settlement.failed)) == (0, ["b", "a"])


def test_what_an_answer_leaves_open_after_silence_goes_under_new_ids() -> None:
    """The attempt without an answer may have used the old ones up."""
    rokt = Scripted(NoAnswerError("it broke"), answer_of(202, "bad. Somewhere"), answer_of(202))
    Bench(rokt).settle(request_of(["a"], ["b"]))
    ids = [{batch["source_request_id"] for batch in json.loads(body)} for body in rokt.bodies]
    assert ids[0] == ids[1]
    assert not ids[0] & set().union(*ids[2:])


def test_no_request_more_is_made_where_nothing_is_contradicted() -> None:
    """One of a hundred without a place: seven halvings, and nobody is asked twice."""
    rokt = ModelRokt({"row-57": "none"})
    Bench(rokt).settle(requests_of(100, 100)[0])
    assert rokt.posts <= 1 + 2 * 7
    # What was taken already is recognised by the ids it came with.
    assert rokt.repeated + rokt.refusals + 99 == rokt.batches


def test_one_bad_batch_among_many_costs_one_row() -> None:
    for style in STYLES:
        rokt = ModelRokt({"row-57": style})
        settlement = Bench(rokt).settle(requests_of(100, 100)[0])
        assert keys_of(settlement.rejected) == ["row-57"]
        assert settlement.accepted == 99
        assert rokt.posts <= 1 + 2 * 7  # a halving finds one of a hundred in seven steps


def test_a_users_other_events_are_kept() -> None:
    rokt = ModelRokt({"b2": "position"})
    settlement = Bench(rokt).settle(request_of(["a"], ["b1", "b2", "b3"], ["c"]))
    assert set(rokt.kept) == {"a", "b1", "b3", "c"}
    assert keys_of(settlement.rejected) == ["b2"]
    assert settlement.rejected[0].faults[0].path == "events[].data.custom_attributes.conversiontype"


def test_parts_travel_together_but_not_in_larger_company() -> None:
    users = [[f"{user}-{event}" for event in range(3)] for user in range(10)]
    rokt = ModelRokt({key: "path" for user in users for key in user})
    settlement = Bench(rokt).settle(request_of(*users))
    assert len(settlement.rejected) == 30
    assert rokt.posts == 1 + 3  # ten users, then their thirty events in requests of ten


def test_each_batch_is_final_once_and_names_its_rows() -> None:
    settlement = Bench(ModelRokt({"a": "path", "c": "none"})).settle(request_of(["a"], ["b"], ["c"], ["d"], first=41))
    numbers = sorted((record.first_row, record.last_row) for record in settlement.records)
    assert numbers[0][0] == 41
    assert [last for _, last in numbers][-1] == 44
    assert sum(len(record.batches) for record in settlement.records) == 4
    refused = [verdict for record in settlement.records for verdict in record.batches if verdict.reason]
    assert {verdict.outcome for verdict in refused} == {Outcome.REJECTED}
    assert {verdict.status for verdict in refused} <= {202, 400}


class Scripted:
    """Answers attempts with what it is told, the last for ever."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        self.bodies: list[bytes] = []

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        self.bodies.append(body)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_unanswered_request_is_sent_again_unchanged() -> None:
    rokt = Scripted(NoAnswerError("ReadTimeout"), answer_of(503), answer_of(202))
    bench = Bench(rokt)
    settlement = bench.settle(request_of(["a"], ["b"]))
    assert len(set(rokt.bodies)) == 1
    assert settlement.answers == {"none": 1, "503": 1, "202": 1}
    assert (settlement.requests, settlement.accepted) == (1, 2)
    (record,) = settlement.records
    assert (record.status, record.attempts, record.size) == (202, 3, len(rokt.bodies[0]))


def test_requests_that_succeed_at_last_make_room_for_retries() -> None:
    answers = [answer for _ in range(24) for answer in (answer_of(503), answer_of(202))]
    bench = Bench(Scripted(*answers), RetryPolicy(budget_seconds=60.0, base_seconds=0.001))
    begin = bench.clock.now
    for number in range(24):
        bench.settle(request_of([f"{number}"]))
    assert bench.clock.now - begin < 1.0


def test_every_attempt_keeps_the_pace() -> None:
    bench = Bench(Scripted(answer_of(503), answer_of(503), answer_of(202)), rate=2)
    begin = bench.clock.now
    bench.settle(request_of(["a"], ["b"]))
    assert bench.clock.now - begin >= 2.0


def test_an_answer_makes_room_for_the_next_second() -> None:
    bench = Bench(Scripted(answer_of(202)), rate=2)
    begin = bench.clock.now
    for key in "abc":
        bench.settle(request_of([key, f"{key}1"], [f"{key}2"]))
    # A second counts a little longer, since not every request takes the same way; at a small cap by a twentieth.
    assert 2.0 < bench.clock.now - begin < 2.11


def test_what_a_lowered_pace_makes_too_large_goes_in_smaller_parts_under_the_same_ids() -> None:
    users = [[f"{number}"] for number in range(40)]
    rokt = ModelRokt(troubles={0: 429})
    bench = Bench(rokt, rate=270)
    settlement = bench.settle(request_of(*users))
    # Parts of one or two batches after the first attempt, in the order of the whole.
    assert settlement.requests == rokt.posts >= 21
    assert settlement.answers == {"429": 1, "202": rokt.posts - 1}
    assert (settlement.accepted, settlement.unconfirmed.total(), settlement.refused) == (40, 0, False)
    assert list(rokt.kept) == [key for user in users for key in user]
    assert sum(len(record.batches) for record in settlement.records) == 40


@pytest.mark.parametrize("trouble", [503, "reset"])
def test_what_may_have_arrived_stays_whole(trouble: int | str) -> None:
    rokt = ModelRokt(troubles={0: trouble, 1: 429})
    settlement = Bench(rokt, rate=270).settle(request_of(*[[f"{number}"] for number in range(40)]))
    assert (settlement.accepted, settlement.requests, rokt.posts) == (40, 1, 3)


@pytest.mark.parametrize(("asked", "held"), [("40", True), ("3", True), ("1", False)])
def test_a_429_holds_everybody_back_unless_it_is_over_with_the_second(asked: str, held: bool) -> None:
    waited: list[float] = []

    class Rokt:
        posts = 0

        def post(self, endpoint: Endpoint, body: bytes) -> Answer:
            self.posts += 1
            return answer_of(429, headers={"Retry-After": asked}) if self.posts == 1 else answer_of(202)

    class Spy(FakeStop):
        """While one request waits after its 429, another would like to leave."""

        def wait(self, timeout: float | None = None) -> bool:
            if not waited:
                waited.append(bench.clock.now)
                bench.pacer.acquire(1, FakeStop(bench.clock))
                waited.append(bench.clock.now)
            return super().wait(timeout)

    bench = Bench(Rokt(), rate=1000)
    bench.halt.flag = Spy(bench.clock)
    bench.settle(request_of(["a"]))
    assert (waited[1] - waited[0] >= float(asked)) == held


@pytest.mark.parametrize(
    ("answer", "answers", "status", "reason"),
    [
        (answer_of(503), "503", 503, "Rokt answered 503 until the time budget of 60 s was spent"),
        (answer_of(429), "429", 429, "Rokt answered 429 until the time budget of 60 s was spent"),
        (
            NoAnswerError("the connection broke"),
            "none",
            None,
            "no answer from Rokt (the connection broke) until the time budget of 60 s was spent",
        ),
    ],
)
def test_what_rokt_does_not_take_in_time_fails_and_halts_the_rest(
    answer: Answer | Exception, answers: str, status: int | None, reason: str
) -> None:
    rokt = Scripted(answer)
    bench = Bench(rokt)
    settlement = bench.settle(request_of(["a"], ["b"]))
    assert [(fault.row.key, fault.faults[0].reason) for fault in settlement.failed] == [("a", reason), ("b", reason)]
    assert settlement.error is None
    assert set(settlement.answers) == {answers}
    assert [verdict.status for verdict in settlement.records[0].batches] == [status] * 2
    posts = len(rokt.bodies)
    later = bench.settle(request_of(["c"]))
    assert len(rokt.bodies) == posts
    assert keys_of(later.failed) == ["c"]
    assert later.requests == 0
    assert (later.records[0].attempts, later.records[0].status) == (0, None)


def test_a_halt_in_the_middle_leaves_what_is_settled() -> None:
    # The first answer accepts one batch and leaves two halves; none of them is answered.
    request = request_of(["a"], ["b"], ["c"])
    place = place_of(request.body.decode(), "customerid")
    said = f"bad. Path '[0].user_identities.customerid', line 1, position {place}."
    rokt = Scripted(answer_of(202, said, "somewhere else: bad"), answer_of(503))
    settlement = Bench(rokt).settle(request)
    assert keys_of(settlement.rejected) == ["a"]
    assert sorted(keys_of(settlement.failed)) == ["b", "c"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, RoktAuthError), (403, RoktAuthError), (302, RoktEndpointError), (404, RoktEndpointError)],
)
def test_an_answer_that_ends_the_delivery_is_an_error_and_fails_the_rows(status: int, error: type[Exception]) -> None:
    rokt = Scripted(answer_of(status))
    bench = Bench(rokt)
    settlement = bench.settle(request_of(["a"], ["b"]))
    assert isinstance(settlement.error, error)
    assert keys_of(settlement.failed) == ["a", "b"]
    assert settlement.answers == {str(status): 1}
    assert keys_of(bench.settle(request_of(["c"])).failed) == ["c"]
    assert len(rokt.bodies) == 1


def test_an_error_is_kept_while_the_rest_is_settled() -> None:
    # The first answer leaves two halves: one of them is answered with 401, the other is not sent any more.
    rokt = Scripted(answer_of(202, "somewhere: bad"), answer_of(401), answer_of(404))
    settlement = Bench(rokt).settle(request_of(["a"], ["b"]))
    assert isinstance(settlement.error, RoktAuthError)
    assert len(rokt.bodies) == 2
    assert {fault.faults[0].reason for fault in settlement.failed} == {"Rokt refused the credentials"}
    assert sorted(keys_of(settlement.failed)) == ["a", "b"]


def test_what_was_never_judged_explains_no_error() -> None:
    # Two of four are looked at again and come back clean, maybe as repeats; of the others nothing is heard.
    rokt = Scripted(answer_of(202, "somewhere: bad"), answer_of(202), answer_of(401))
    settlement = Bench(rokt).settle(request_of(["a"], ["b"], ["c"], ["d"]))
    assert settlement.accepted == 0
    assert sorted(keys_of(settlement.failed)) == ["a", "b", "c", "d"]


def test_a_list_of_errors_that_is_cut_off_is_never_explained() -> None:
    # How many were wrong is not told: "b", which comes back clean, may be a repeat of what was refused with "a".
    cut_off = Answer(202, {}, b'{"errors": [{"message": "Requi', 1.0)
    rokt = Scripted(cut_off, answer_of(202), answer_of(400, "somewhere: bad"), answer_of(202))
    settlement = Bench(rokt).settle(request_of(["a"], ["b"]))
    assert keys_of(settlement.rejected) == ["a"]
    assert settlement.accepted == 1
    *_, looked_at, _, once_more = [json.loads(body)[0] for body in rokt.bodies]
    assert looked_at["events"] == once_more["events"]
    assert looked_at["source_request_id"] != once_more["source_request_id"]


def test_of_several_errors_the_first_stays() -> None:
    settlement, request = Settlement(), request_of(["a"])
    for error in (None, RoktAuthError("first"), RoktEndpointError("second"), None):
        settlement.count(Exchange(request, error=error), accepted=False)
    assert str(settlement.error) == "first"


@pytest.mark.parametrize(
    ("halted", "told"),
    [
        ("not delivered: it broke", "not delivered: it broke"),
        ("the task was stopped", "on its way when the task was stopped"),
    ],
)
def test_what_had_no_answer_as_others_gave_up_is_not_called_on_its_way(halted: str, told: str) -> None:
    class Meanwhile:
        def post(self, endpoint: Endpoint, body: bytes) -> Answer:
            bench.halt.because(halted)
            raise NoAnswerError("it broke")

    bench = Bench(Meanwhile())
    settlement = bench.settle(request_of(["a"]))
    assert [fault.faults[0].reason for fault in settlement.failed] == [told]


def test_of_several_reasons_to_halt_the_first_stays() -> None:
    halt = Halt()
    assert not halt.flag.is_set()
    for reason in ("the task was stopped", "the delivery ended early"):
        halt.because(reason)
        assert halt.reason == "the task was stopped"
    assert halt.flag.is_set()


def test_a_fault_of_ours_fails_the_rows_and_is_told() -> None:
    settlement = Bench(Scripted(KeyError("a value"))).settle(request_of(["a"]))
    assert isinstance(settlement.error, KeyError)
    assert [fault.faults[0].reason for fault in settlement.failed] == ["a fault in this provider (KeyError)"]


def test_stopping_ends_a_wait_and_fails_the_rows() -> None:
    bench = Bench(Scripted(answer_of(503)))

    class Stopping(FakeStop):
        def wait(self, timeout: float | None = None) -> bool:
            bench.halt.because("the task was stopped")
            return super().wait(timeout)

    bench.halt.flag = Stopping(bench.clock)
    settlement = bench.settle(request_of(["a"]))
    assert [fault.faults[0].reason for fault in settlement.failed] == ["the task was stopped"]
    assert settlement.answers == {"503": 1}


class Block:
    """A batch like an audience's: splits into halves."""

    coverage = 0
    marks = b""
    repeats = False

    def __init__(self, keys: Sequence[str], size: int = 1) -> None:
        self.keys = keys
        self.size = size

    @property
    def body(self) -> bytes:
        return b",".join(b'"%b"' % (key.encode() * self.size) for key in self.keys)

    @property
    def rows(self) -> Sequence[RowRef]:
        return [RowRef(int(key), key) for key in self.keys]

    def split(self) -> Sequence[Batch]:
        middle = len(self.keys) // 2
        return [Block(half, self.size) for half in (self.keys[:middle], self.keys[middle:]) if half]

    def renewed(self) -> Batch:
        return self


class ImportRokt:
    """Refuses an import that names a bad member, without a word on which."""

    def __init__(self, bad: Sequence[str]) -> None:
        self.bad = [f'"{key}"'.encode() for key in bad]
        self.posts = 0

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        self.posts += 1
        return answer_of(400 if any(key in body for key in self.bad) else 201)


def import_of(members: int, per_block: int) -> Request:
    keys = [str(number) for number in range(1, members + 1)]
    blocks = [Block(keys[start : start + per_block]) for start in range(0, members, per_block)]
    return Request(IMPORT_V3, tuple(blocks), b'{"emails":[', b"]}")


def test_one_bad_member_is_found() -> None:
    rokt = ImportRokt(["777"])
    settlement = Bench(rokt).settle(import_of(1000, 100))
    assert keys_of(settlement.rejected) == ["777"]
    assert settlement.accepted == 999
    assert rokt.posts < 30


def test_an_import_that_is_refused_whatever_it_holds_is_given_up() -> None:
    rokt = Scripted(answer_of(201), answer_of(400))
    bench = Bench(rokt)
    bench.settle(import_of(1, 1))
    settlement = bench.settle(import_of(2000, 500))
    assert len(rokt.bodies) == 1 + 256
    assert settlement.rejected
    assert len(settlement.rejected) + len(settlement.failed) == 2000
    assert settlement.failed[0].faults[0].reason == "not sent: Rokt refused 256 requests in a row"


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.parametrize("make", [lambda: import_of(2000, 500), lambda: request_of(*[[str(n)] for n in range(100)])])
def test_a_delivery_of_which_nothing_is_accepted_is_braked(status: int, make: Callable[[], Request]) -> None:
    rokt = Scripted(answer_of(status))
    bench = Bench(rokt)
    settlements = [bench.settle(make()) for _ in range(40)]
    assert bench.brake.stopped
    assert len(rokt.bodies) == MOST_IN_VAIN
    assert keys_of(settlements[-1].failed) == [row.key for batch in make().batches for row in batch.rows]
    assert {fault.faults[0].reason for fault in settlements[-1].failed} == {nothing_accepted(MOST_IN_VAIN)}


def test_one_acceptance_releases_the_brake() -> None:
    bench = Bench(ModelRokt({str(number): "none" for number in range(1, 400)}))
    bench.settle(request_of(["0"]))
    settlements = [
        bench.settle(request_of(*[[str(n)] for n in range(first, first + 99)])) for first in range(1, 397, 99)
    ]
    assert sum(len(settlement.rejected) for settlement in settlements) == 396
    assert not bench.brake.stopped


def test_a_removal_that_has_no_row_releases_the_brake_too() -> None:
    bench = Bench(Scripted(answer_of(201)))
    bench.settle(Request(IMPORT_V3, (Block([str(NO_ROW)]),)))
    assert bench.brake.released


def test_what_is_doubted_becomes_a_failure_that_keeps_its_reason() -> None:
    settlement = Bench(ModelRokt({"a": "path"})).settle(request_of(["a"], ["b"]))
    (rejected,) = settlement.rejected
    settlement.fail_rejected("nothing was accepted")
    (failed,) = settlement.failed
    assert (settlement.rejected, failed.row) == ([], rejected.row)
    assert list(failed.faults) == [FieldFault("", "nothing was accepted"), *rejected.faults]
    assert outcomes(settlement) == {"accepted": 1, "failed": 1}


def test_an_import_is_not_given_up_while_some_of_it_is_taken() -> None:
    # Many more refusals than would be too many in a row.
    bad = [str(number) for number in range(50, 10_000, 100)]
    rokt = ImportRokt(bad)
    settlement = Bench(rokt).settle(import_of(10_000, 500))
    assert rokt.posts > 3 * 256
    assert keys_of(settlement.rejected) == bad
    assert (settlement.accepted, settlement.failed) == (10_000 - len(bad), [])


def test_accepted_rows_are_counted_by_the_coverage_of_their_batch() -> None:
    carrying, other = (
        batch._replace(coverage=bits) for batch, bits in ((batch_of("a1", "a2", "a3"), 5), (batch_of("b"), 2))
    )
    settlement = Bench(ModelRokt({"a2": "path"})).settle(Request(BULK, (carrying, other)))
    assert settlement.coverage == {5: 2, 2: 1}


def test_blocks_of_an_import_are_not_held_to_the_events_rate() -> None:
    bench = Bench(Scripted(answer_of(201)), rate=1)
    begin = bench.clock.now
    bench.settle(import_of(1000, 100))
    assert bench.clock.now == begin


def test_an_import_counts_as_one_however_many_blocks_it_has() -> None:
    bench = Bench(Scripted(answer_of(201)), rate=10)
    begin = bench.clock.now
    bench.settle(import_of(1000, 100))
    assert bench.clock.now == begin
    bench.settle(import_of(1000, 100))
    assert 0 < bench.clock.now - begin <= 0.5


@pytest.mark.parametrize(("endpoint", "counted"), [(BULK, 10), (HISTORICAL, 10), (IMPORT_V1, 1), (IMPORT_V3, 1)])
def test_the_events_endpoints_alone_count_batches(endpoint: Endpoint, counted: int) -> None:
    assert replace(import_of(1000, 100), endpoint=endpoint).paced_batches == counted


class LargeUser(Block):
    """A batch whose parts are each as large as the whole."""

    @property
    def body(self) -> bytes:
        return b"x" * 120_000

    def split(self) -> Sequence[Batch]:
        return [LargeUser([key]) for key in self.keys]


def test_parts_that_need_more_room_than_the_whole_keep_the_limit() -> None:
    request = Request(BULK, (LargeUser(["1", "2", "3"]), LargeUser(["4", "5"])))
    said = [f"bad. Path '[{index}]', line 1, position {end}." for index, end in enumerate((120_001, 240_002))]
    rokt = Scripted(answer_of(400, *said), answer_of(202))
    settlement = Bench(rokt).settle(request)
    assert settlement.accepted == 5
    assert len(rokt.bodies) == 1 + 3
    assert max(map(len, rokt.bodies)) <= REQUEST_BYTES


def never(*_: Any) -> Any:
    raise AssertionError("nobody is in a hurry")


def test_only_so_many_requests_are_on_their_way() -> None:
    gate, lock, running = threading.Semaphore(0), threading.Lock(), Counter[str]()

    def settle(request: Request) -> Settlement:
        with lock:
            running["now"] += 1
            running["most"] = max(running["most"], running["now"])
        gate.acquire()
        with lock:
            running["now"] -= 1
        return Settlement(accepted=1)

    engine, accepted = Engine(settle, never, never, 2), 0
    for number in range(10):
        engine.submit(request_of([str(number)]))
        if number >= 3:  # two on their way and two ready: room has to be made
            gate.release()
        accepted += sum(settlement.accepted for settlement in engine.settled())
        assert number + 1 - accepted <= 3
    gate.release(10)
    accepted += sum(settlement.accepted for settlement in engine.drained())
    engine.close()
    assert accepted == 10
    assert running["most"] == 2


def test_only_so_many_bytes_are_on_their_way() -> None:
    gate = threading.Semaphore(0)

    def settle(request: Request) -> Settlement:
        gate.acquire()
        return Settlement(accepted=1)

    engine, accepted = Engine(settle, never, never, 32), 0
    request = Request(IMPORT_V3, (Block(["1"], MOST_BYTES // 2 - 10),), b"[", b"]")
    for number in range(6):
        engine.submit(request)
        if number >= 2:  # two are on their way: room has to be made
            gate.release()
        accepted += sum(settlement.accepted for settlement in engine.settled())
        assert number + 1 - accepted <= 2
    gate.release(2)
    assert accepted + sum(settlement.accepted for settlement in engine.drained()) == 6
    engine.close()


class Hurried(RealThreads):
    """A minute takes a second."""

    def now(self) -> float:
        return 60 * super().now()


def test_what_never_ends_is_given_up_and_counted() -> None:
    cut, released = threading.Event(), threading.Event()

    def settle(request: Request) -> Settlement:
        released.wait(30)
        return Settlement(accepted=1)

    engine = Engine(settle, lambda request: Settlement.given_up(request, "why"), cut.set, 1, Hurried())
    for key in "abc":
        engine.submit(request_of([key]))
    engine.hurry()
    settlements = list(engine.drained())
    released.set()
    engine.close()
    assert cut.is_set()
    assert [fault.faults[0].reason for one in settlements for fault in one.failed] == ["why"] * 3


def test_what_a_thread_raises_is_raised_again() -> None:
    def settle(request: Request) -> Settlement:
        raise MemoryError

    engine = Engine(settle, never, never, 1)
    engine.submit(request_of(["a"]))
    with pytest.raises(MemoryError):
        list(engine.drained())
    engine.close()


def test_a_batch_is_what_the_model_thinks_it_is() -> None:
    """The model's own check: one batch kept once, whatever the number of posts."""
    rokt, body = ModelRokt(), b"[" + batch_of("a", "b").body + b"]"
    assert [rokt.post(BULK, body).status for _ in range(2)] == [202, 202]
    assert rokt.kept == {"a": 1, "b": 1}
