"""Mirrors twice and is killed in the second run: ``python -m tests.audiences.mirroring FOLDER MOMENT``.

Each request's body goes to standard output, which stands for Rokt, before anything else happens.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.local_folder import LocalFolder
from tests.audiences.people import address, plan_of, requests_of

SETTINGS = {"audience": "vip", "hash_emails": True}


def mirror(
    folder: Folder,
    people: Iterable[int],
    send: Callable[[Request], None],
    *,
    run: str = "run",
    refused: Collection[str] = (),
    max_members: int = 4,
    hash_emails: bool = True,
) -> None:
    """One run, as an operator does it."""
    with MirrorState(folder, SETTINGS, run) as state:
        rows = map(address, people)
        plan, _ = plan_of(rows, remembered=state.remembered(), memory_lines=500, hash_emails=hash_emails)
        with plan:
            state.begin(plan)
            for request in requests_of(plan.changes(), max_members=max_members):
                state.keep()
                send(request)
            state.commit(plan, refused)


class _Dying(LocalFolder):
    """Kills its process, for good, at a moment like ``write members 1``: before the file's second chunk is written.

    What is unconfirmed of the old generation is called ``noted``, and of the new one ``settled``.
    """

    def __init__(self, path: Path, moment: str) -> None:
        super().__init__(path)
        self._moment = moment
        (self._noted,) = [name for name in self.names() if name.startswith("unconfirmed")]

    def _live(self, moment: str) -> None:
        short = moment.replace(self._noted, "noted")
        if re.sub(r"unconfirmed-\w+", "settled", short) == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        super().write(name, self._slowly(name, chunks))
        self._live(f"written {name}")

    def _slowly(self, name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for place, chunk in enumerate(chunks):
            self._live(f"write {name} {place}")
            yield chunk

    def remove(self, name: str) -> None:
        self._live(f"remove {name}")
        super().remove(name)


def _print(request: Request) -> None:
    sys.stdout.write(request.body.decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    path = Path(sys.argv[1])
    mirror(LocalFolder(path), range(1_000), _print, run="first", max_members=300)
    mirror(_Dying(path, sys.argv[2]), range(500, 1_500), _print, max_members=300)
