"""What threads of a simulated world wait for; each step that others can see lets them go first, perhaps."""

from math import inf
from typing import Any


class Flag:
    """Something that happened, or did not yet."""

    def __init__(self, world: Any) -> None:
        self._world, self._is_set = world, False

    def set(self) -> None:
        self._is_set = True
        self._world.step()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        return bool(self._world.wait(self.is_set, seconds))


class Mailbox:
    """Hands things from thread to thread."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._items: list[Any] = []

    def put(self, item: Any) -> None:
        self._world.step()
        self._items.append(item)
        self._world.step()

    def get(self, seconds: float) -> Any:
        if not self._world.wait(lambda: bool(self._items), max(seconds, 0.0)):
            return None
        item = self._items.pop(0)
        # A signal may come when the thing is taken out and nobody has it yet.
        self._world.step()
        return item


class Lock:
    """One holder at a time."""

    def __init__(self, world: Any) -> None:
        self._world, self._is_held = world, False

    def __enter__(self) -> None:
        self._world.step()
        while self._is_held:
            self._world.wait(lambda: not self._is_held, inf)
        self._is_held = True

    def __exit__(self, *raised: object) -> None:
        self._is_held = False
