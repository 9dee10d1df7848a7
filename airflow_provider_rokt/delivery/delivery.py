"""A delivery: requests in, an account of every row out."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from types import TracebackType
from typing import ParamSpec, Self

import msgspec

from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.brake import Brake
from airflow_provider_rokt.delivery.engine import Engine
from airflow_provider_rokt.delivery.exchange import Dispatcher, Halt, Post
from airflow_provider_rokt.delivery.progress import Progress
from airflow_provider_rokt.delivery.settlement import Settlement, Settler
from airflow_provider_rokt.exceptions import RoktError, RoktIncompleteError, RoktLedgerError, RoktStorageError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import Outcome, RowFault, RowRef, Skip
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.ledger.report import Failure, Report, Tally
from airflow_provider_rokt.ledger.writer import LedgerWriter

log = logging.getLogger(__name__)

_Line = ParamSpec("_Line")
Compare = Callable[[Report, float], Sequence[str]]


class Delivery:
    """Sends requests, books what becomes of every row and writes it to the ledger.

    For one thread, except for :meth:`stop`; only HTTP happens in threads of its own. To be used as a context manager:
    left before :meth:`finish`, it accounts for what was handed to it and marks the ledger's report as incomplete. It
    is left within :data:`~.engine.GRACE_SECONDS` and :data:`~.engine.CUT_SECONDS`, whatever Rokt does; what is then
    still on its way counts as failed, so that a retry sends it.

    :param post: :meth:`~airflow_provider_rokt.api.client.RoktClient.post` of a client, which stays open.
    :param ledger: of this delivery.
    :param concurrency: connections to Rokt, and threads.
    :param retry: how long one request is tried. One that is not taken in this time halts the delivery: its rows and
        all later ones fail without further waiting, so that the source can still be read to its end.
    :param cut: :meth:`~airflow_provider_rokt.api.client.RoktClient.cut` of that client.
    :param announce: takes the marks of a request's rows before it is sent.
    :param remember: takes the marks of rows that Rokt took, a request at a time, before the ledger is told.
    :param on_refusal: is called, in the caller's thread, where Rokt was found to have refused something.
    :param record_accepted: name the rows that Rokt took in the ledger, too.
    :param judge: raises what the report ends the task with, so that the ledger says it.
    :param compare: tells what of a delivery that ended is not as usual, by its report and its seconds.
    :param threads: time and threads.
    """

    def __init__(
        self,
        post: Post,
        ledger: LedgerWriter,
        *,
        concurrency: int,
        pacer: Pacer,
        retry: RetryPolicy,
        cut: Callable[[], None] = lambda: None,
        announce: Callable[[bytes], None] = lambda _: None,
        remember: Callable[[bytes], None] = lambda _: None,
        on_refusal: Callable[[], None] = lambda: None,
        record_accepted: bool = False,
        compare: Compare | None = None,
        judge: Callable[[Report], object] = lambda _: None,
        threads: Threads = THREADS,
    ) -> None:
        self._ledger = ledger
        self._tally = Tally()
        self._halt = Halt(threads)
        self._brake = Brake(self._halt, threads)
        dispatcher = Dispatcher(post, pacer, retry, self._halt, threads=threads)
        settler = Settler(dispatcher.dispatch, self._halt, self._brake)
        self._engine = Engine(settler.settle, self._given_up, cut, concurrency, threads)
        # Settlements with rejections, while nothing was accepted: it may not be the rows that are wrong.
        self._doubtful: list[Settlement] = []
        self._announce = announce
        self._remember = remember
        self._on_refusal = on_refusal
        self._record_accepted = record_accepted
        self._compare = compare
        self._judge = judge
        self._error: Exception | None = None
        self._is_written = True
        self._stopped = False
        self._finished = False
        self._requests = 0
        self._progress = Progress(pacer.batches_per_second, threads)

    def read(self, count: int) -> None:
        """Counts rows read from the source.

        :raises RoktIncompleteError: after :meth:`stop`: the source need not be read on.
        """
        self._refuse_if_stopped()
        self._tally.read += count
        # Where a whole result is sorted first there is nothing to book for a while.
        self._progress.show(self._tally)

    def all_read(self) -> None:
        """Tells that the source has no more rows."""
        self._progress.all_read()

    def skip(self, rows: Counter[Skip]) -> None:
        """Counts rows that are not sent on purpose, by reason."""
        self._tally.skipped += rows

    def resume(self, counts: Counter[int], rows: Sequence[RowRef] = ()) -> None:
        """Counts rows that an earlier try of this task had accepted, by their coverage; those that have a name."""
        self._tally.resume(counts)
        if rows and self._record_accepted:
            self._write(self._ledger.accepted, rows, None)

    def drop(self, faults: Iterable[RowFault]) -> None:
        """Books values that were left out of rows that are sent."""
        faults = list(faults)
        self._tally.drop(faults)
        if faults:
            self._write(self._ledger.dropped, faults)

    def describe(self, extras: Mapping[str, int], census: Census) -> None:
        """Adds what the operation counted itself to the report."""
        self._tally.extras.update(extras)
        self._tally.census = census

    def reject(self, faults: Iterable[RowFault]) -> None:
        """Books rows that are invalid and never sent."""
        faults = list(faults)
        self._tally.reject(faults)
        self._write_rows(Outcome.REJECTED, faults)

    def send(self, request: Request) -> None:
        """Takes a request over; waits while too many are on their way.

        :raises RoktAuthError: where Rokt refused the credentials, now or earlier.
        :raises RoktEndpointError: where the address is not Rokt's.
        :raises RoktIncompleteError: after :meth:`stop`.
        """
        # Once sending is over, no request leaves any more, and its rows are not on their way.
        if not self._halt.reason and (marks := b"".join([batch.marks for batch in request.batches])):
            self._write(self._announce, marks)
        self._engine.submit(request)
        self._book(self._engine.settled())
        self._raise()
        self._refuse_if_stopped()

    def stop(self) -> None:
        """Ends the sending in order: nothing more leaves, and requests on their way get their verdict in a short grace.

        Returns at once; any thread and any signal handler may call it.
        """
        self._stopped = True
        self._halt.because("the task was stopped")
        self._engine.hurry()

    def finish(self) -> Report:
        """Waits for all verdicts and writes the final report.

        :raises RoktAuthError: as :meth:`send` does, and RoktEndpointError.
        :raises RoktReconciliationError: where rows are unaccounted for.
        """
        self._book(self._engine.drained())
        self._settle_doubts()
        self._raise()
        if self._compare:
            self._tally.degraded = self._compare(self._report(), self._progress.seconds)
        report = self._report()
        report.check_reconciled()
        try:
            self._judge(report)
        except RoktError as error:
            report = replace(report, failure=Failure.of(error))
        self._close(report, complete=True)
        self._raise()
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._finished:
            self._describe(error, self._report())
            return
        try:
            guarded = getattr(error, "objection", None) is not None
            self._halt.because("a guard stopped it" if guarded else "the delivery ended early")
            self._engine.hurry()
            self._book(self._engine.drained())
            self._settle_doubts()
            self._tally.fail_the_rest(self._halt.reason)
            report = replace(self._report(), failure=Failure.of(error) if error else None)
            self._close(report, complete=False)
            report.check_reconciled()
            self._describe(error, report)
        except Exception as failure:
            # The first error says what went wrong; what came of accounting for it must not hide it.
            if error is None:
                raise
            log.warning("The ledger %s could not be completed: %s", self._ledger.uri, type(failure).__name__)
        finally:
            self._engine.close()

    def _book(self, settlements: Iterator[Settlement]) -> None:
        for settlement in settlements:
            self._error = self._error or settlement.error
            if settlement.refused:
                self._write(self._on_refusal)
            if settlement.rejected and not self._brake.released:
                self._doubtful.append(settlement)
            else:
                self._settle_doubts()
                self._count(settlement)
            self._progress.show(self._tally)

    def _settle_doubts(self) -> None:
        """Counts what was in doubt: either the rows are to blame, since others were accepted, or none of them is."""
        doubtful, self._doubtful = self._doubtful, []
        blamed = self._tally.took_before or any(settlement.blamed for settlement in doubtful)
        why = self._brake.verdict(blamed)
        for settlement in doubtful:
            if why:
                settlement.fail_rejected(why)
            self._count(settlement)

    def _count(self, settlement: Settlement) -> None:
        if marks := b"".join(settlement.marks):
            self._write(self._remember, marks)
        self._tally.accepted += settlement.accepted
        self._tally.unconfirmed.update(settlement.unconfirmed)
        self._tally.reject(settlement.rejected)
        self._tally.fail(settlement.failed)
        self._tally.requests += settlement.requests
        self._tally.status_codes += settlement.answers
        self._tally.coverage += settlement.coverage
        self._tally.retry_after = self._tally.retry_after or settlement.retry_after
        for record in settlement.records:
            self._requests += 1
            self._tally.batches += len(record.batches)
            self._write(self._ledger.request, msgspec.structs.replace(record, number=self._requests))
        if self._record_accepted:
            for (status, confirmed), batches in settlement.taken.items():
                self._write(self._ledger.accepted, chain.from_iterable(batches), status, confirmed=confirmed)
        self._write_rows(Outcome.REJECTED, settlement.rejected)
        self._write_rows(Outcome.FAILED, settlement.failed)

    def _write_rows(self, outcome: Outcome, faults: list[RowFault]) -> None:
        if faults:
            self._write(self._ledger.rows, outcome, faults)

    def _write(self, line: Callable[_Line, None], *args: _Line.args, **kwargs: _Line.kwargs) -> None:
        """Writes to the ledger until that fails: then sending is over, and counting goes on."""
        if not self._is_written:
            return
        try:
            line(*args, **kwargs)
        except (RoktLedgerError, RoktStorageError) as error:
            self._is_written = False
            self._error = self._error or error
            self._halt.because("the ledger could not be written")

    def _raise(self) -> None:
        if self._error:
            raise self._error

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise RoktIncompleteError("The task was stopped; what was not sent yet is sent when it runs again.")

    @staticmethod
    def _describe(error: BaseException | None, report: Report) -> None:
        if error is not None:
            # Airflow's timeout carries it too, as any exception can.
            error.report = report.summary()  # type: ignore[attr-defined]

    def _given_up(self, request: Request) -> Settlement:
        return Settlement.given_up(request, f"on its way when {self._halt.reason}")

    def _report(self) -> Report:
        return self._tally.report(self._ledger.delivery_id, self._ledger.uri, self._ledger.sync)

    def _close(self, report: Report, complete: bool) -> None:
        if self._is_written:
            self._write(self._ledger.finish, report, complete)
        else:
            # So that nobody waits for a report that would never come, if a line can be written at all.
            with suppress(RoktLedgerError):
                self._ledger.finish(report, complete=False)
        self._engine.close()
        self._finished = True
        self._progress.end(report)
