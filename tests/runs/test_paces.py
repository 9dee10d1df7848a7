"""Which runs go on at an earlier one's pace, and which begin slowly."""

from airflow_provider_rokt.flow.request import Surface
from airflow_provider_rokt.hooks.rokt import RoktHook
from tests.commands.commands import order

EVENTS = (Surface.EVENTS, 4)


def test_a_call_goes_on_where_the_hooks_last_one_left_the_pace(rokt, ledger):
    rokt(extra={"batches_per_second": 500})
    hook = RoktHook()
    assert hook.send_conversions([order(number) for number in range(3)])["rows_accepted"] == 3
    place = hook._place()
    assert place.pacer(*EVENTS) is hook._place().pacer(*EVENTS)
    assert place.pacer(*EVENTS) is not RoktHook()._place().pacer(*EVENTS)
    assert place.pacer(*EVENTS) is not place.pacer(Surface.EVENTS, 8)
    rokt(extra={"batches_per_second": 400})
    assert RoktHook()._place().pacer(*EVENTS).batches_per_second == 400


def test_imports_begin_at_once(rokt, ledger):
    rokt(extra={"batches_per_second": 270})
    place = RoktHook()._place()
    assert place.pacer(Surface.AUDIENCE_IMPORT, 4).size() > 10 * place.pacer(*EVENTS).size()
