"""A few seeds of tasks that are killed and resumed; two hundred are a command, see CONTRIBUTING.md."""

import pytest

from tests.kills.onlooker import id_of, remembered
from tests.kills.plan import Plan
from tests.kills.trial import Warehouse, play

pytestmark = pytest.mark.slow


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path)


# Each road, both orders, both groupings, some with two kills, some with faults.
@pytest.mark.parametrize("seed", [0, 1, 2, 5, 9, 10])
def test_a_killed_task_is_resumed(sandbox, warehouse, seed):
    assert play(seed, sandbox, warehouse).broken == []


def test_a_plan_is_drawn_again():
    assert [Plan.of(seed) for seed in range(20)] == [Plan.of(seed) for seed in range(20)]
    drawn = [Plan.of(seed) for seed in range(200)]
    assert (sum(plan.shuffled for plan in drawn), sum(plan.whole for plan in drawn)) == (100, 66)
    assert {plan.road for plan in drawn} == {"conversions", "import", "events"}
    assert {(plan.grouped, bool(plan.faults), len(plan.kills)) for plan in drawn} == {
        (grouped, faults, kills) for grouped in (False, True) for faults in (False, True) for kills in (1, 2)
    }


def test_the_onlooker_reads_a_trail_that_was_cut(tmp_path):
    trail = tmp_path / "_syncs" / "a-sync" / "t00000001"
    trail.mkdir(parents=True)
    (trail / "marks-00000").write_bytes(b'{"format":"rokt-trail"}\n' + id_of("order-1") + b"abcd" + b"torn")
    assert remembered(tmp_path) == [id_of("order-1")]
