"""Who uses a sync's memory: the accounts that took its rows, and for how long its tasks want them remembered.

<sync>/uses/account-<digest>   an account that took rows, and the last day on which it did
            days-00090         the last day on which a task came that remembers for so many days

A memory does not say of a row which account took it. So a run that leads to another one is told, and none of its rows
pass for sent. And of tasks that share a memory the one that remembers longest decides when a row may go.
"""

from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec

from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder, digest_name, is_unfinished

_ACCOUNT: Final = "account-"
_DAYS: Final = "days-"
_BYTES: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}


class RoktAccount(msgspec.Struct, frozen=True):
    """Where a sync's rows go.

    No credentials: they are rotated, and the account stays. So where a key alone names it, nobody here can see that it
    was exchanged for another account's.

    :param surface: which of Rokt's surfaces they go to.
    :param address: that one's base.
    :param account_id: as the connection names it; empty where it does not.
    """

    surface: str
    address: str
    account_id: str = ""

    def __str__(self) -> str:
        return f"{self.address}, account {self.account_id}" if self.account_id else self.address

    def is_another(self, other: "RoktAccount") -> bool:
        """Whether what the other one took may not have reached this one. An id that is named later tells nothing."""
        ids = {self.account_id, other.account_id} - {""}
        return self.surface != other.surface or _whole(self.address) != _whole(other.address) or len(ids) > 1


class _Took(msgspec.Struct):
    """An account that took rows.

    :param day: the last one, in days since 1970.
    """

    account: RoktAccount
    day: int


class Uses:
    """Who uses one sync's memory.

    :param folder: theirs.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def another(self, account: RoktAccount, since: int) -> RoktAccount | None:
        """An account of the same surface that took rows, and is not this one.

        :param since: the first day that counts.
        """
        for name in self._names(_ACCOUNT):
            took = self._took(name)
            if took is None or took.day < since or took.account.surface != account.surface:
                continue
            if account.is_another(took.account):
                return took.account
        return None

    def note_account(self, account: RoktAccount, day: int) -> None:
        """Remembers that it takes rows.

        :raises RoktStorageError: where it cannot.
        """
        name = _ACCOUNT + digest_name(account.surface, account.address, account.account_id)
        took = self._took(name)
        if took is None or took.day < day:
            self._folder.write(name, [msgspec.json.encode(_Took(account, day))])

    def longest(self, day: int) -> int:
        """For how many days rows are to be remembered, by the tasks that came within as many days; 0 for none."""
        numbers = [name.removeprefix(_DAYS) for name in self._names(_DAYS)]
        # What somebody else has put there says nothing.
        days = [int(number) for number in numbers if number.isascii() and number.isdecimal()]
        return max([some for some in days if self._last(some) + some >= day], default=0)

    def note_days(self, days: int, day: int) -> None:
        """Remembers that a task came that remembers for so many days.

        :raises RoktStorageError: where it cannot.
        """
        if self._last(days) < day:
            self._folder.write(_days_name(days), [str(day).encode()])

    def _took(self, name: str) -> _Took | None:
        with suppress(msgspec.MsgspecError):
            return msgspec.json.decode(self._content(name), type=_Took)
        return None

    def _last(self, days: int) -> int:
        content = self._content(_days_name(days))
        return int(content) if content.isdigit() else 0

    def _content(self, name: str) -> bytes:
        with reading(self._folder.uri), suppress(FileNotFoundError), self._folder.read(name) as file:
            return file.read(_BYTES)
        return b""

    def _names(self, beginning: str) -> list[str]:
        with reading(self._folder.uri):
            return [name for name in self._folder.names() if name.startswith(beginning) and not is_unfinished(name)]


def _days_name(days: int) -> str:
    return f"{_DAYS}{days:05}"


def _whole(address: str) -> str:
    """An address as others may write it, too: hosts have no case, a port may be left out."""
    parts = urlsplit(address)
    port = parts.port or _PORTS.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"
