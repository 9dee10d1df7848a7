"""A query shared among the tasks of a real Airflow: every row goes once, and the sensor tells each part by its name."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.sensors.test_sensor_modes import module_of

pytestmark = pytest.mark.slow

REGIONS = (None, "north", None, "south", "north", "north", "")


@pytest.fixture
def instances(airflow_db, sandbox, rokt, shop):
    """One run of the DAG."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    orders = [
        {"number": n, "email": f"p{n}@example.com", "timestamp_unixtime_ms": now, "day": n, "region": region}
        for n, region in enumerate(REGIONS)
    ]
    # Spoiled: it is counted where it was read.
    orders[4]["email"] = "nobody"
    shop(orders)
    return module_of("partitions").dag.test().get_task_instances()


def test_every_row_goes_once_and_each_part_is_told(instances, sandbox, ledger):
    ended = {(one.task_id, one.map_index): one.state for one in instances}
    assert set(ended.values()) == {"success"}
    sent = Counter(event["data"]["source_message_id"] for event in sandbox.store.events)
    sent.update({f"{task} 4": 1 for task in ("range", "region")})
    assert sent == Counter(f"{task} {n}" for task in ("range", "region") for n in range(len(REGIONS)))
    [judge] = (one for one in instances if one.task_id == "judge")
    counts = ("partition", "rows_read", "rows_accepted", "rows_rejected")
    found = [tuple(part[name] for name in counts) for part in judge.xcom_pull(task_ids="judge")["partitions"]]
    assert found == [
        ("since 0", 2, 2, 0),
        ("since 2", 5, 4, 1),
        ("nowhere", 3, 3, 0),
        ("north", 3, 2, 1),
        ("south", 1, 1, 0),
    ]
    # Airflow's pages call them so, too.
    called = {one.rendered_map_index for one in instances if one.map_index >= 0}
    assert called == {name for name, *_ in found}
