"""Every state in which the page is to be seen: where it is, and what it shows there."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

THEMES: Final = ("light", "dark")


class Seen(NamedTuple):
    """One state.

    :ivar name: of its pictures.
    :ivar path: at the API server.
    :ivar words: by which it is there.
    :ivar top: what a picture of it begins with, as a selector.
    :ivar highest: pixels of a picture, of which a long page fills all.
    :ivar height: of the window, where Airflow's own page is around it and scrolls in itself.
    """

    name: str
    path: str
    words: tuple[str, ...]
    top: str = "body"
    highest: int = 1_400
    height: int = 900


EMPTY: Final = Seen("empty", "/rokt/", ("There are no deliveries yet",))


def states(shown: Mapping[str, str]) -> list[Seen]:
    """All but the empty one.

    :param shown: the ids that tests/plugin/showing.py gave.
    """
    parts = f"/dags/regions/runs/{quote(shown['run_id'], safe='')}/tasks/orders/mapped/0"
    failed = f"/dags/refunds/runs/{quote(shown['failed_run_id'], safe='')}/tasks/send"
    return [
        Seen("syncs", "/rokt/", ("rows arrived", "Commonest reasons", "What to do", "shop.orders")),
        Seen("sync", f"/rokt/syncs/{shown['sync']}", ("Against its own history", "Runs the last 30"), highest=1_950),
        Seen("in_flight", _delivery(shown["in_flight"]), ("in flight", "So far", "6,240 rows arrived")),
        Seen("green", _delivery(shown["green"]), ("delivered", "1,204 rows arrived", "Nothing.")),
        Seen("rejected", _delivery(shown["rejected"]), ("rejected rows", "Send them again", "resend_from=")),
        Seen("halfway", _delivery(shown["halfway"]), ("failed", "Rokt did not answer", "Clear the failed task")),
        Seen("large", _delivery(shown["large"]) + "?page=200", ("10,000", "Page 200 of 200"), "#batches", 1_900),
        Seen("parts", f"{parts}/plugin/rokt_task", ("of this mapped task", "north", "Together"), height=1_110),
        Seen("failed", f"{failed}/plugin/rokt_task", ("failed", "max_rejected", "not a plain decimal number")),
    ]


def _delivery(delivery_id: str) -> str:
    return f"/rokt/deliveries/{delivery_id}"
