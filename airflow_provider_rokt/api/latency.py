"""How long answers take, and whether that has become much longer."""

from typing import Final

_SLOW: Final = 0.25
_FADING: Final = 0.12


class Latency:
    """Seconds from a request to its answer.

    :ivar mean: of the last ten or so.
    """

    def __init__(self, now: float) -> None:
        self.mean = self._shortest = 0.0
        self._at = now

    def took(self, now: float, seconds: float) -> None:
        """Takes an answer in."""
        apart, self._at = min(now - self._at, 1.0), now
        self.mean += 0.1 * (seconds - self.mean) if self.mean else seconds
        # It fades, so that a way that has become longer stops nothing for ever; slow answers are few.
        self._shortest = min((1.0 + _FADING * apart) * self._shortest, seconds) if self._shortest else seconds

    @property
    def is_long(self) -> bool:
        """Whether answers take much longer than they did: more requests would only wait at the other side."""
        return self.mean > 4 * self._shortest + _SLOW
