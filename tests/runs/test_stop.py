"""A run that is stopped from outside: in which order, and what is still said of its rows."""

import threading

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.runs.options import ConversionOptions
from tests.operators.test_conversions import orders


class Endless:
    """A source that hands one window over and then waits for its end."""

    def __init__(self, rows):
        self._rows = rows
        self._cancelled = threading.Event()
        self.waits = threading.Event()
        self.over = threading.Event()

    def read(self, consume):
        consume(tuple(self._rows[0]), [tuple(row.values()) for row in self._rows])
        self.waits.set()
        assert self._cancelled.wait(10)
        raise RoktIncompleteError("the rows ended early")

    def cancel(self):
        """Comes back when the run is over, so that whatever was to be done before it had to be done."""
        self._cancelled.set()
        assert self.over.wait(10)


def test_a_delivery_is_stopped_before_its_source_so_that_the_rows_say_why(sandbox, rokt, ledger):
    # The second request waits for its turn.
    rokt(extra={"batches_per_second": 10})
    source, hook, raised = Endless(orders(30)), RoktHook(), []

    def run():
        try:
            hook.deliver_conversions(source, ConversionOptions(concurrency=1))
        except RoktIncompleteError as error:
            raised.append(error)
        source.over.set()

    running = threading.Thread(target=run)
    running.start()
    assert source.waits.wait(10)
    hook.stop()
    running.join()
    [delivery] = ledger.deliveries(1)
    assert {row.faults[0].reason for row in delivery.rows([Outcome.FAILED])} == {"the task was stopped"}
    report = raised[0].report
    assert report["rows_accepted"] + report["rows_failed"] == report["rows_read"] == 30


def test_a_stop_before_the_run_begins_reads_and_sends_nothing(sandbox, rokt, ledger):
    def rows():
        raise AssertionError("it was read")
        yield

    hook = RoktHook()
    hook.stop()
    with pytest.raises(RoktIncompleteError, match="stopped"):
        hook.send_conversions(rows())
    assert not sandbox.store.requests
