"""``airflow rokt syncs forget``: starts over."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_rokt.commands.asking import is_agreed, require_answer
from airflow_provider_rokt.commands.exit_status import FAILED, exits
from airflow_provider_rokt.commands.known_mirrors import KnownMirrors, mirror_words
from airflow_provider_rokt.commands.known_syncs import KnownSyncs, database_lines
from airflow_provider_rokt.commands.mirror_memory import MirrorMemory, memory_problems
from airflow_provider_rokt.commands.output import is_data, print_data, printable
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.syncs.by_hand import require_idle, start_over
from airflow_provider_rokt.task.configuration import open_ledger

_WHAT: Final = "airflow rokt syncs forget"


@exits
def forget(arguments: Namespace) -> int:
    """Tells what is remembered and what follows, asks, and takes it away."""
    if problems := memory_problems(arguments):
        raise RoktSettingsError("the command's arguments", problems)
    require_answer(arguments)
    kind = _SyncMemory if arguments.audience is None else MirrorMemory
    memory = kind(KnownSyncs(open_ledger()), arguments)
    memory.require_idle()
    told = "\n".join(map(printable, memory.told()))
    need_not_ask = arguments.yes or arguments.dry_run
    if need_not_ask and not is_data(arguments.output):
        print(told)
    agreed = need_not_ask or is_agreed(told, "Forget it for good?")
    data = memory.data()
    if forgotten := agreed and not arguments.dry_run:
        memory.remove()
    if is_data(arguments.output):
        print_data(data | {"forgotten": forgotten}, arguments.output)
    else:
        print("Forgotten." if forgotten else "Nothing was forgotten.")
    return 0 if agreed else FAILED


class _SyncMemory:
    """What a sync remembers, here and in Airflow's database.

    :raises RoktSettingsError: where neither knows of it.
    """

    def __init__(self, known: KnownSyncs, arguments: Namespace) -> None:
        self._known = known
        self._sync = known.named(arguments.name, arguments.rokt_conn_id)
        self._mirrors = KnownMirrors(known.ledger).of(self._sync)

    def require_idle(self) -> None:
        """Makes sure that no run is at work, as far as this machine sees.

        :raises RoktSyncBusyError: when one is.
        """
        require_idle(self._sync)

    def told(self) -> Iterator[str]:
        """What is remembered, and what follows once it is not."""
        data = self.data()
        yield f"Sync {data['sync']!r} over connection {data['connection']!r} remembers {data['rows']:,} rows"
        yield f"in {data['folder']}"
        for one in self._mirrors:
            yield f"It mirrors {mirror_words(one.data())}, which this does not forget: {one.mirrored.start_over}"
        yield from database_lines(there := data["database"])
        if there and there["problem"] and there["place"]:
            yield f"What still lies in that place stays refused: a memory may begin again in {self._known.ledger.uri}"
            yield "alone. Where the workers have another [rokt] ledger_path than this machine, run this with theirs"
        yield "Once it is forgotten, the next run with send='new' sends every row that its query returns. Rokt drops"
        yield "those whose ids it still knows, for 30 days or more; older ones would count twice there"

    def data(self) -> dict[str, Any]:
        """The same for programs."""
        sync, contents = self._sync, self._sync.contents()
        return {
            "sync": sync.name,
            "connection": sync.connection,
            "folder": sync.folder.uri,
            "rows": contents.rows,
            "mirrors": [one.data() for one in self._mirrors],
            "database": self._known.in_database(sync, contents.number),
        }

    def remove(self) -> None:
        """Takes it away.

        :raises RoktSyncBusyError: when a run has begun meanwhile.
        """
        start_over(self._sync, self._known.anchor(self._sync), _WHAT)
