"""The number of the newest memory, where all workers see it: no memory is believed when a newer one exists.

A memory is files, and files may be another machine's, an old copy, or gone. So Airflow's own database is told, before
anything is sent, in which store the memory lies and which number it has reached. One text for each memory is enough,
also where the parts of a run begin side by side: all of them write the same store and the same number.

Rejected: XCom (with ``include_prior_dates`` one value on Airflow 2.11 and a list on 3, gone with a cleared run), the
state stores of tasks (of one run alone) and of assets (absent without an asset, and before 3.3), counting up in the
database (no compare-and-set: two that begin at once would lose one).
"""

import logging
import socket
from collections.abc import MutableMapping
from typing import Annotated, Final

import msgspec

from airflow_provider_rokt.exceptions import RoktMemoryError
from airflow_provider_rokt.flow.lines import log_wrapped

log = logging.getLogger(__name__)

Register = MutableMapping[str, str]
"""Texts by key in Airflow's own database."""

VERSION: Final = 1
RESTORE: Final = "Let all workers share [rokt] ledger_path, or restore what was there."


class Known(msgspec.Struct):
    """What the database knows.

    :param store: the id of the store.
    :param number: of the newest memory there.
    :param place: the store's address, and the machine that wrote last.
    :param version: of what is told here.
    """

    store: str
    number: Annotated[int, msgspec.Meta(ge=0)]
    place: str
    version: int = VERSION


class Anchor:
    """Holds one memory to what the database knows of it.

    :param register: None outside of Airflow, where nothing can be known.
    :param key: of this memory.
    :param store: the id of the store that this worker sees.
    :param place: the store's address.
    :param what: the memory in words, e.g. ``"sync 'shop.orders'"``.
    :param way_out: what to do about a memory that is refused.
    """

    def __init__(
        self, register: Register | None, key: str, *, store: str, place: str, what: str, way_out: str = RESTORE
    ) -> None:
        self._register = register
        self._key = key
        self._store = store
        self._place = place
        self._what = what
        self._way_out = way_out
        self._is_asked = False
        self._asked: Known | None = None

    def ask(self) -> None:
        """Asks the database what it knows; to be called before the memory is looked at.

        Asked later, it may know already of what a part that runs beside this one has begun meanwhile.
        """
        self._asked = self.known()
        self._is_asked = True

    def check(self, number: int) -> None:
        """Makes sure that what lies here is the newest there was when the database was asked.

        :param number: of the memory that lies here; 0 for none.
        :raises RoktMemoryError: where it is missing, older than it was, or in another place.
        """
        if self._register is None:
            return
        if not self._is_asked:
            self.ask()
        known = self._asked
        if known is None or not known.number:
            self._tell_of_the_first(number)
        if known is None:
            return
        if known.store != self._store:
            found = "nothing is remembered in" if not number else "a memory of another place lies in"
            raise self._refusal(f"{found} {self._place}, and the newest memory was in {known.place}")
        if not number and known.number:
            raise self._refusal(f"its memory is gone from {self._place}")
        if number < known.number:
            raise self._refusal(
                f"the memory in {self._place} is an older one ({number}, it had come to {known.number})"
            )

    def problem(self, number: int) -> str | None:
        """Why what lies here would not be believed, as :meth:`check` says it; None where it would be."""
        try:
            self.check(number)
        except RoktMemoryError as error:
            return str(error)
        return None

    def note(self, number: int) -> None:
        """Tells the database how far the memory has come; to be called before anything is sent.

        :raises RoktMemoryError: where another worker was faster, or the database did not answer when it was asked:
            Airflow takes that for nothing known.
        """
        if self._register is None:
            return
        known = self.known()
        if known and (known.store != self._store or known.number > number):
            raise self._refusal(
                f"it comes to {number} in {self._place}, and the newest memory is in {known.place}, which came to "
                f"{known.number}"
            )
        if known is None or known.number != number:
            self._write(number)

    def restart(self) -> None:
        """Tells the database that nothing is remembered, and that a memory may begin in this store alone.

        What lies in the store of another worker is older than that, and stays refused.
        """
        self._write(0)

    def _write(self, number: int) -> None:
        if self._register is not None:
            now = Known(self._store, number, f"{self._place} of {socket.gethostname()}")
            try:
                self._register[self._key] = msgspec.json.encode(now).decode()
            except Exception:
                # Airflow 2 replaces a variable in two steps, and a part that begins beside this one writes the same.
                written = self.known()
                if written is None or (written.store, written.number) != (self._store, number):
                    raise

    def known(self) -> Known | None:
        """What the database knows of the memory; None for nothing.

        :raises RoktMemoryError: where somebody changed it by hand.
        """
        if self._register is None or (text := self._register.get(self._key)) is None:
            return None
        try:
            known = msgspec.json.decode(text, type=Known)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            raise self._refusal(f"Airflow's variable {self._key} was changed by hand") from None
        if known.version != VERSION:
            raise RoktMemoryError(
                f"Airflow's variable {self._key} has version {known.version} and this release reads {VERSION}: another "
                "release of airflow-provider-rokt wrote it. Nothing was sent: install that release or a newer one"
            )
        return known

    def _tell_of_the_first(self, number: int) -> None:
        if number:
            text = f"Airflow's database knows nothing yet of the memory of {self._what} in {self._place}"
        else:
            text = f"Nothing is remembered of {self._what}, this is its first run; its memory is in {self._place}"
        log_wrapped(log, logging.INFO, text, breaks_words=False)

    def _refusal(self, why: str) -> RoktMemoryError:
        return RoktMemoryError(
            f"The memory of {self._what} cannot be believed: {why}. Nothing was sent. {self._way_out}"
        )
