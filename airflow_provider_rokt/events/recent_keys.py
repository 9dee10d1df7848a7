"""Keys seen before, as far back as constant memory reaches."""

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

_REMEMBERED: Final = 16_384

_Key = TypeVar("_Key", bound=Hashable)
_Content = TypeVar("_Content")


class RecentKeys(Generic[_Key, _Content]):
    """Recognises a key seen among at least the last 16,384 distinct ones, in constant memory.

    Exact recognition over a whole result would grow with it; repeats further apart are sent, and Rokt
    recognises them by itself.
    """

    def __init__(self) -> None:
        self._current: dict[_Key, _Content] = {}
        self._previous: dict[_Key, _Content] = {}

    def before(self, key: _Key, content: _Content) -> _Content | None:
        """The content that the key came with before; None where it is new, and remembered from now on."""
        if (before := self._current.get(key)) is not None:
            return before
        before = self._previous.get(key)
        if len(self._current) >= _REMEMBERED:
            self._previous, self._current = self._current, {}
        # Also where it was remembered before: it is among the recent ones again.
        self._current[key] = content if before is None else before
        return before
