"""Whole deliveries over HTTP, to the sandbox."""

import itertools
import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.client import Answer, RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.api.endpoints import BULK, IMPORT_V3
from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.exceptions import (
    RoktAuthError,
    RoktEndpointError,
    RoktIncompleteError,
    RoktLedgerWriteError,
    RoktReconciliationError,
)
from airflow_provider_rokt.flow.request import Endpoint
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef, Skip
from airflow_provider_rokt.flow.threads import RealThreads
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader, RequestRecord
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.network.outages import NoAnswerError
from airflow_provider_rokt.sandbox import Sandbox, Settings
from airflow_provider_rokt.sandbox.faults import AnyFault, Delay, Redirect, Refuse, Reset, Status
from airflow_provider_rokt.sandbox.holdings import REPEATED_MESSAGE
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.local_folder import LocalFolder
from tests.bounded import until
from tests.delivery.rokt import answer_of, request_of, requests_of
from tests.flow.requests import rows_in

# Impatient, so that tests are quick; the budget is far longer than any test.
EAGER = RetryPolicy(budget_seconds=120.0, base_seconds=0.005, cap_seconds=0.05)
SPENT = RetryPolicy(budget_seconds=0.0)


class Office:
    """Begins deliveries to one sandbox and reads their ledgers."""

    def __init__(self, url: str, root: Path, key: str = "sandbox-key", secret: str = "sandbox-secret") -> None:
        self._ledger = Ledger(root)
        endpoints = Addresses.of(events_url=url, audience_url=url, allow_any_host=True)
        self.client = RoktClient(endpoints, Credentials(key, secret), timeout_seconds=30, connections=4)
        self.begun: list[str] = []

    def begin(self, retry: RetryPolicy = EAGER, concurrency: int = 4, rate: float = 1e9, **others: Any) -> Delivery:
        writer = self._ledger.begin("conversions", {}, {})
        self.begun.append(writer.delivery_id)
        client = others.pop("poster", self.client)
        return Delivery(client.post, writer, concurrency=concurrency, pacer=Pacer(rate), retry=retry, **others)

    def ledger(self) -> LedgerReader:
        return self._ledger.open(self.begun[-1])


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path) -> Iterator[Office]:
    office = Office(sandbox.url, tmp_path)
    with closing(office.client):
        yield office


def deliver(delivery: Delivery, rows: int = 60, per_request: int = 10) -> Report:
    with delivery:
        for request in requests_of(rows, per_request):
            delivery.read(rows_in(request))
            delivery.send(request)
        return delivery.finish()


def settled_rows(ledger: LedgerReader) -> dict[str, int]:
    """How many rows the ledger's request records say ended how."""
    found = {outcome.value: 0 for outcome in Outcome}
    for record in ledger.requests():
        for verdict in record.batches:
            found[verdict.outcome] += verdict.rows
    return found


def test_everything_is_delivered_once(office: Office, sandbox: Sandbox) -> None:
    report = deliver(office.begin())
    assert (report.rows_read, report.rows_accepted, report.batches, report.requests) == (60, 60, 60, 6)
    assert report.status_codes == {"202": 6}
    assert sandbox.store.message_ids == {f"row-{number}" for number in range(1, 61)}
    assert sandbox.store.counts.repeated_messages == 0


def test_the_ledger_tells_the_same(office: Office) -> None:
    report = deliver(office.begin())
    ledger = office.ledger()
    assert settled_rows(ledger)["accepted"] == 60
    records = list(ledger.requests())
    assert sorted((record.first_row, record.last_row) for record in records) == [
        (first, first + 9) for first in range(1, 61, 10)
    ]
    assert [record.number for record in records] == [1, 2, 3, 4, 5, 6]
    assert {(record.status, record.attempts, record.endpoint) for record in records} == {(202, 1, BULK.path)}
    final = ledger.report()
    assert final is not None
    assert final["complete"]
    assert {name: final[name] for name in report.summary()} == report.summary()


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Status(status=503, times=4), "503"),
        (Status(status=408, times=4), "408"),
        (Status(status=429, times=2), "429"),
        (Status(status=429, retry_after=0, times=2), "429"),
        (Status(status=503, retry_after=1, as_date=True, times=1), "503"),
        (Status(status=500, after=True, times=4), "500"),
        (Reset(times=4), "none"),
        (Reset(after=True, times=4), "none"),
        (Delay(seconds=0.05, times=6), "202"),
    ],
)
def test_what_passes_is_waited_out_and_nothing_is_kept_twice(
    office: Office, sandbox: Sandbox, fault: AnyFault, seen: str
) -> None:
    sandbox.faults.add(fault)
    report = deliver(office.begin())
    assert report.rows_accepted == 60
    assert report.status_codes["202"] == 6
    assert report.status_codes[seen] == (fault.times if seen != "202" else 6)
    assert (sandbox.store.counts.batches, sandbox.store.counts.repeated_messages) == (60, 0)
    # What was taken with its answer lost came again with the very same bytes.
    assert sandbox.store.counts.repeated_batches == (10 * (fault.times or 0) if fault.after else 0)
    assert sandbox.store.counts.conflicting_batches == 0


def test_random_troubles_lose_and_repeat_nothing(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Reset(probability=0.2), Reset(probability=0.2, after=True), Status(status=503, probability=0.2))
    sandbox.faults.add(Refuse(message_ids=frozenset({"row-7", "row-199"}), locator="none"))
    report = deliver(office.begin(), rows=300, per_request=20)
    assert (report.rows_accepted, report.rows_rejected) == (298, 2)
    # What came again under a fresh request id, its own id tells.
    counts = sandbox.store.counts
    assert len(sandbox.store.held) == 298
    assert counts.events - counts.dropped_events[REPEATED_MESSAGE] == 298


@pytest.mark.parametrize("locator", ["path", "position", "none"])
def test_one_bad_batch_among_hundreds_costs_one_row(office: Office, sandbox: Sandbox, locator: Any) -> None:
    sandbox.faults.add(Refuse(message_ids=frozenset({"row-123"}), locator=locator))
    report = deliver(office.begin(), rows=300, per_request=100)
    assert (report.rows_accepted, report.rows_rejected) == (299, 1)
    (rejection,) = report.rejections
    assert rejection["row"] == "row-123"
    assert rejection["reason"] == "Rokt: Error converting value … to type 'System.String'"
    assert sandbox.store.message_ids == {f"row-{number}" for number in range(1, 301)} - {"row-123"}
    assert [(row.key, row.outcome) for row in office.ledger().rows()] == [("row-123", "rejected")]
    assert settled_rows(office.ledger()) == {"accepted": 299, "rejected": 1, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("locator", ["path", "position", "none"])
def test_a_user_loses_only_the_refused_event(office: Office, sandbox: Sandbox, locator: Any) -> None:
    sandbox.faults.add(Refuse(message_ids=frozenset({"b2"}), locator=locator))
    with office.begin() as delivery:
        delivery.read(5)
        delivery.send(request_of(["a"], ["b1", "b2", "b3"], ["c"]))
        report = delivery.finish()
    assert (report.rows_accepted, report.rows_rejected) == (4, 1)
    assert sandbox.store.message_ids == {"a", "b1", "b3", "c"}
    assert [row.key for row in office.ledger().rows()] == ["b2"]


def test_every_row_is_accounted_for(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Refuse(message_ids=frozenset({"row-3"})))
    with office.begin() as delivery:
        delivery.read(13)
        delivery.skip(Counter({Skip.REPEATED: 2}))
        delivery.reject([RowFault(RowRef(13, "row-13"), [FieldFault("ip", "is not an address")])])
        delivery.send(requests_of(10, 10)[0])
        report = delivery.finish()
    assert (report.rows_accepted, report.rows_rejected, report.rows_skipped) == (9, 2, 2)
    assert {row.key: row.faults for row in office.ledger().rows()}["row-13"] == [FieldFault("ip", "is not an address")]


def test_a_row_unaccounted_for_is_an_error(office: Office) -> None:
    with pytest.raises(RoktReconciliationError), office.begin() as delivery:
        delivery.read(11)
        delivery.send(requests_of(10, 10)[0])
        delivery.finish()
    assert not office.ledger().complete


@pytest.mark.parametrize(
    ("key", "fault", "error", "status"),
    [
        ("wrong", None, RoktAuthError, "403"),
        ("sandbox-key", Status(status=401), RoktAuthError, "401"),
        ("sandbox-key", Redirect(location="/v2/events"), RoktEndpointError, "302"),
        ("sandbox-key", Status(status=404), RoktEndpointError, "404"),
        ("sandbox-key", Status(status=200, body="<!DOCTYPE html>"), RoktEndpointError, "200"),
    ],
)
def test_what_no_retry_mends_stops_at_once(
    sandbox: Sandbox, tmp_path: Path, key: str, fault: AnyFault | None, error: type[Exception], status: str
) -> None:
    if fault:
        sandbox.faults.add(fault)
    office = Office(sandbox.url, tmp_path, key)
    with closing(office.client), pytest.raises(error, match=status):
        deliver(office.begin(concurrency=2), rows=1000)
    # Those on their way when the first answer came; of a hundred requests, not more.
    assert 1 <= len(sandbox.store.requests) <= 2
    assert sandbox.store.message_ids == set()
    ledger = office.ledger()
    report = ledger.report()
    assert report is not None
    assert not report["complete"]
    assert report["rows_accepted"] == 0
    assert report["rows_read"] < 1000  # the source was not read on
    assert report["rows_failed"] == report["rows_read"] == len(list(ledger.rows()))


def test_an_error_is_raised_by_finish_where_no_send_met_it(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Status(status=403))
    with pytest.raises(RoktAuthError), office.begin() as delivery:
        delivery.read(10)
        delivery.send(requests_of(10, 10)[0])
        delivery.finish()
    assert not office.ledger().complete


def test_an_error_is_raised_again_by_whoever_goes_on(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Status(status=403))
    with office.begin() as delivery:
        for request in requests_of(20, 10):
            delivery.read(10)
            try:
                delivery.send(request)
            except RoktAuthError:
                continue
        with pytest.raises(RoktAuthError):
            delivery.finish()


def test_a_spent_budget_fails_all_rows_without_another_request(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Status(status=503))
    report = deliver(office.begin(SPENT, concurrency=2), rows=1000)
    assert (report.rows_read, report.rows_failed) == (1000, 1000)
    assert len(sandbox.store.requests) <= 2
    assert report.requests == len(sandbox.store.requests)
    assert report.status_codes == {"503": report.requests}
    assert len(list(office.ledger().rows([Outcome.FAILED]))) == 1000
    # The source was read to its end and every row is accounted for, so these rows can be sent again by name.
    assert office.ledger().complete
    assert len(list(office.ledger().undelivered())) == 1000


def test_nobody_there_fails_all_rows(tmp_path: Path) -> None:
    office = Office("http://127.0.0.1:1", tmp_path)
    with closing(office.client):
        report = deliver(office.begin(SPENT, concurrency=1))
    assert report.rows_failed == 60
    assert report.status_codes == {"none": 1}
    assert all("no answer from Rokt (the connection was refused" in reason for reason in report.failures)


def test_what_was_accepted_before_the_failure_stays_accepted(office: Office, sandbox: Sandbox) -> None:
    with office.begin(SPENT, concurrency=1) as delivery:
        first, *others = requests_of(60, 10)
        delivery.read(60)
        delivery.send(first)
        until(lambda: sandbox.store.batches)
        sandbox.faults.add(Status(status=503))
        for request in others:
            delivery.send(request)
        report = delivery.finish()
    assert report.rows_failed <= 50
    assert report.rows_accepted == len(sandbox.store.message_ids) >= 10
    assert report.rows_accepted + report.rows_failed == 60


def test_stopping_ends_it_in_order(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Delay(seconds=0.02))
    delivery = office.begin(concurrency=2)
    with pytest.raises(RoktIncompleteError, match="stopped"), delivery:
        for number, request in enumerate(requests_of(1000, 10)):
            delivery.read(10)
            if number == 20:
                delivery.stop()
            delivery.send(request)
    report = office.ledger().report()
    assert report is not None
    assert not report["complete"]
    assert report["rows_read"] == 210
    # What is accepted Rokt has; on a busy machine the grace may end before an answer is read.
    assert report["rows_accepted"] <= sandbox.store.counts.events
    assert report["rows_accepted"] + report["rows_failed"] == 210
    assert report["rows_failed"] >= 10
    reasons = {row.faults[0].reason for row in office.ledger().rows()}
    assert {"the task was stopped"} <= reasons <= {"the task was stopped", "on its way when the task was stopped"}


def test_stopping_ends_the_reading(office: Office) -> None:
    """Of an audience everything is read before anything is sent."""
    with pytest.raises(RoktIncompleteError, match="stopped"), office.begin() as delivery:
        delivery.read(10)
        delivery.stop()
        delivery.read(10)
    report = office.ledger().report()
    assert report is not None
    assert (report["complete"], report["rows_read"], report["rows_failed"]) == (False, 10, 10)


def test_stopping_ends_a_long_wait(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Status(status=429, retry_after=3600))
    delivery = office.begin(replace(EAGER, budget_seconds=7200.0), concurrency=2)
    with delivery:
        delivery.read(10)
        delivery.send(requests_of(10, 10)[0])
        until(lambda: sandbox.store.requests)
        delivery.stop()
        report = delivery.finish()
    assert report.rows_failed == 10


def test_a_signal_handler_may_stop_it(office: Office, sandbox: Sandbox) -> None:
    """As Airflow does: ``on_kill`` runs in the handler of SIGTERM, in the thread that waits in ``finish``."""
    sandbox.faults.add(Status(status=429, retry_after=3600))
    delivery = office.begin(replace(EAGER, budget_seconds=7200.0), concurrency=2)
    before = signal.signal(signal.SIGALRM, lambda *_: delivery.stop())
    try:
        with delivery:
            for request in requests_of(40, 10)[:3]:
                delivery.read(10)
                delivery.send(request)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            report = delivery.finish()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert report.rows_failed == 30


def test_an_error_of_the_source_leaves_an_account(office: Office, sandbox: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError), office.begin() as delivery:
        for request in requests_of(30, 10):
            delivery.read(10)
            delivery.send(request)
        raise ZeroDivisionError
    report = office.ledger().report()
    assert report is not None
    assert not report["complete"]
    assert report["rows_read"] == 30
    assert report["rows_accepted"] == sandbox.store.counts.events
    assert report["rows_accepted"] + report["rows_failed"] == 30


def test_an_error_of_the_source_waits_for_no_retry(office: Office, sandbox: Sandbox) -> None:
    sandbox.faults.add(Status(status=429, retry_after=3600))
    with pytest.raises(ZeroDivisionError), office.begin(replace(EAGER, budget_seconds=7200.0)) as delivery:
        delivery.read(10)
        delivery.send(requests_of(10, 10)[0])
        until(lambda: sandbox.store.requests)
        raise ZeroDivisionError
    assert {row.faults[0].reason for row in office.ledger().rows()} == {"the delivery ended early"}


def test_leaving_without_finishing_is_incomplete(office: Office) -> None:
    with office.begin() as delivery:
        delivery.read(5)
    assert office.ledger().finished
    assert not office.ledger().complete


class Hurried(RealThreads):
    """A minute takes a second."""

    def now(self) -> float:
        return 60 * super().now()


class Silent:
    """A client that waits for an answer until it is released."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        self.asked.set()
        self.released.wait(60)
        raise NoAnswerError("it broke")


def test_what_is_on_its_way_for_too_long_is_given_up(office: Office) -> None:
    client = Silent()
    with office.begin(threads=Hurried(), poster=client) as delivery:
        delivery.read(10)
        delivery.send(requests_of(10, 10)[0])
        assert client.asked.wait(30)
        delivery.stop()
        report = delivery.finish()
    client.released.set()
    assert report.rows_failed == 10
    assert {row.faults[0].reason for row in office.ledger().rows()} == {"on its way when the task was stopped"}


class Interrupted(RealThreads):
    """A signal's handler raises as the sending is ended."""

    def start(self, work: Callable[[], None], name: str) -> None:
        self.started = threading.Thread(target=work, name=name, daemon=True)
        self.started.start()

    def flag(self) -> threading.Event:
        class Flag(threading.Event):
            def set(self) -> None:
                super().set()
                raise KeyboardInterrupt

        return Flag()


def test_a_signal_while_it_is_left_leaves_no_thread_behind(office: Office) -> None:
    threads = Interrupted()
    with pytest.raises(KeyboardInterrupt), office.begin(threads=threads) as delivery:
        delivery.read(10)
        delivery.send(requests_of(10, 10)[0])
    threads.started.join(5)
    assert not threads.started.is_alive()


class Faulty:
    """A client with a fault of ours in it."""

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        raise ZeroDivisionError


def test_a_fault_in_a_thread_is_raised_and_its_rows_are_accounted_for(office: Office) -> None:
    with pytest.raises(ZeroDivisionError):
        deliver(office.begin(poster=Faulty()))
    report = office.ledger().report()
    assert report is not None
    assert report["rows_failed"] == report["rows_read"]


class TwiceWrong:
    """Refuses the credentials of the first request; any other finds no API, once it is let go."""

    def __init__(self) -> None:
        self.held, self.let_go = threading.Event(), threading.Event()

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        if b'"row-1"' in body:
            return answer_of(401)
        self.held.set()
        self.let_go.wait(30)
        return answer_of(404)


def test_the_first_error_is_the_one_that_is_raised(office: Office) -> None:
    rokt = TwiceWrong()
    first, second, *others = requests_of(80, 10)
    with office.begin(poster=rokt, concurrency=2) as delivery:
        delivery.read(80)
        delivery.send(second)
        assert rokt.held.wait(30)
        with pytest.raises(RoktAuthError):
            for request in (first, *others):
                delivery.send(request)
        rokt.let_go.set()
        with pytest.raises(RoktAuthError):
            delivery.finish()
    reasons = {row.key: row.faults[0].reason for row in office.ledger().rows()}
    assert reasons["row-1"] == "Rokt refused the credentials"
    assert reasons["row-11"] == "the address is not that of Rokt's API"


class FullDisk(LedgerWriter):
    """A ledger whose disk is full from some line on."""

    def __init__(self, folder: Folder, header: DeliveryHeader, lines: int) -> None:
        super().__init__(folder, header)
        self._left = lines
        self.uri = "file:///full"

    def request(self, record: RequestRecord) -> None:
        self._left -= 1
        if self._left < 0:
            raise RoktLedgerWriteError("the ledger cannot be written", "OSError: No space left on device")
        super().request(record)


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_full_disk_ends_it_with_an_account(office: Office, sandbox: Sandbox, tmp_path: Path, lines: int) -> None:
    header = DeliveryHeader(delivery_id="d", operation="conversions", started_at="", sender={}, options={})
    writer = FullDisk(LocalFolder(tmp_path / "d"), header, lines)
    delivery = Delivery(office.client.post, writer, concurrency=2, pacer=Pacer(1e9), retry=EAGER)
    with pytest.raises(RoktLedgerWriteError, match="No space left") as caught:
        deliver(delivery, rows=400)
    report = caught.value.report
    assert report is not None
    assert 0 < report["rows_read"] <= 400
    assert report["rows_accepted"] == sandbox.store.counts.events
    assert report["rows_accepted"] + report["rows_failed"] == report["rows_read"]


@pytest.mark.parametrize("endpoint", [IMPORT_V3])
def test_an_audience_goes_the_same_way(sandbox: Sandbox, tmp_path: Path, endpoint: Endpoint) -> None:
    settings = sandbox.settings
    office = Office(sandbox.url, tmp_path, settings.rpub, settings.rsec)
    prefix = b'{"accountId":"%b","action":"include","list":"VIPs","emails":[' % settings.account_id.encode()

    class Member:
        coverage = 0
        marks = b""
        repeats = False

        def __init__(self, number: int) -> None:
            self.rows = [RowRef(number, f"member {number}")]
            self.body = b'"user%d@example.com"' % number

        def split(self) -> list["Member"]:
            return [self]

    request = replace(
        requests_of(1, 1)[0], endpoint=endpoint, batches=tuple(map(Member, range(1, 21))), prefix=prefix, suffix=b"]}"
    )
    with closing(office.client), office.begin() as delivery:
        delivery.read(20)
        delivery.send(request)
        report = delivery.finish()
    assert report.rows_accepted == 20
    assert report.requests == 1
    assert len(sandbox.store.audiences["VIPs"]) == 20


def test_the_rate_is_never_exceeded(office: Office, sandbox: Sandbox) -> None:
    sandbox.reset(Settings(batches_per_second=10_000))
    begin = time.monotonic()
    report = deliver(office.begin(rate=100, concurrency=2), rows=300, per_request=33)
    # Of when they arrive a busy machine makes what it likes; but in two seconds no more than 200 have left.
    assert time.monotonic() - begin >= 2.0
    assert report.rows_accepted == 300
    assert report.status_codes == {"202": 10}


def test_a_rate_set_too_high_is_found_out_and_obeyed(office: Office, sandbox: Sandbox) -> None:
    sandbox.reset(Settings(batches_per_second=50))
    report = deliver(office.begin(rate=1000), rows=150, per_request=25)
    assert report.rows_accepted == 150
    assert report.status_codes["429"] >= 1


def test_progress_is_logged_in_counts(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    class Hasty(RealThreads):
        """Whenever it is asked, two seconds have passed."""

        def __init__(self) -> None:
            self.ticks = itertools.count(0.0, 2.0)

        def now(self) -> float:
            return next(self.ticks)

    deliver(office.begin(threads=Hasty()))
    lines = [record.getMessage() for record in caplog.records if "rows read, " in record.getMessage()]
    # The clock is looked at some 50 times, a line takes at least five of them.
    assert 1 <= len(lines) <= 5
    assert ", 0 rejected, 0 failed, 0 skipped; " in lines[-1]


class Leaky:
    """A network that fails with everything it was told, and with what it is told by."""

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        raise OSError(f"sandbox-key:sandbox-secret at {endpoint.path}: {body.decode()}")


def test_neither_log_nor_ledger_holds_a_value(
    office: Office, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.faults.add(Refuse(message_ids=frozenset({"row-5"})), Status(status=503, times=1))
    deliver(office.begin())
    with pytest.raises(OSError, match="user-row-5"):
        deliver(office.begin(SPENT, poster=Leaky()))
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*.jsonl")).decode() + caplog.text
    assert "row-5" in written  # keys are what names a row
    for value in ("user-row-5", "customerid", "sandbox-secret", "c2FuZGJveC1rZXk6"):
        assert value not in written
