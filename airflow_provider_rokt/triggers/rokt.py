"""Waits for deliveries in the triggerer, without a worker."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.ledger.awaited import Awaited, unfinished
from airflow_provider_rokt.task.configuration import open_ledger


class RoktDeliveryTrigger(BaseTrigger):
    """Fires once, when every delivery has its final report or the ledger cannot be read.

    The event is ``{"status": "finished"}``, ``{"status": "timeout"}`` or
    ``{"status": "error", "message": ..., "retryable": ...}``.

    :param deliveries: delivery id -> whether its ledger must exist already.
    :param poke_interval: seconds between two looks at the ledger.
    :param deadline: when to give up, in seconds since 1970, which hold in a triggerer that starts anew; None for never.
    """

    def __init__(self, *, deliveries: Awaited, poke_interval: float, deadline: float | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.deliveries = deliveries
        self.poke_interval = poke_interval
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class's path and its arguments: names and numbers only, as they are stored in clear."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        names = ("deliveries", "poke_interval", "deadline")
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Looks at the ledger until every delivery is over, or time is."""
        yield TriggerEvent(await self._outcome())  # type: ignore[no-untyped-call]

    async def _outcome(self) -> dict[str, Any]:
        waiting = self.deliveries
        try:
            while waiting := await asyncio.to_thread(_still_running, waiting):
                if (left := self._seconds_left()) <= 0:
                    return {"status": "timeout"}
                await asyncio.sleep(min(self.poke_interval, left))
        except RoktError as error:
            return {"status": "error", "message": str(error), "retryable": False}
        except Exception as error:
            # A store's own error may quote a signed address; it stays in the triggerer's log.
            self.log.exception("The ledger of %d deliveries cannot be read", len(waiting))
            message = f"the ledger cannot be read in the triggerer ({type(error).__name__}); its log has the details"
            return {"status": "error", "message": message, "retryable": True}
        return {"status": "finished"}

    def _seconds_left(self) -> float:
        return math.inf if self.deadline is None else self.deadline - time.time()


def _still_running(deliveries: Awaited) -> Awaited:
    return unfinished(open_ledger(), deliveries)
