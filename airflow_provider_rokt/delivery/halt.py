"""The one switch that ends a delivery's sending."""

import threading


class Halt:
    """Says whether sending is over, and why; the first reason stays.

    Setting it neither waits nor logs, so that any thread and any signal handler may. The thread that handles signals
    must not wait for ``event``: a handler that sets it would then wait for the lock its own thread holds.

    :ivar event: set once sending is over, for whoever waits for something else.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why sending is over, fit for a ledger; ``""`` while it is not."""
        return self._reason

    def because(self, reason: str) -> None:
        """Ends it."""
        if not self._reason:
            self._reason = reason
        self.event.set()
