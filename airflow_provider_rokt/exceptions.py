"""Every error this provider raises, in plain Python.

A message says what is wrong and what to do next. It may name connections, columns, field paths, row keys and
counts; it never carries a row's value, a request body or a secret.
"""

from collections.abc import Sequence
from typing import Any, Final, Self

# Longer than any name that PostgreSQL or MySQL takes.
_LONGEST_NAME: Final = 80


def short_name(name: object) -> str:
    """A name, such as a column's, as an error may show it: some databases take 200,000 characters for one."""
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


class RoktError(Exception):
    """Base of all errors of this provider.

    :ivar report: the flat report of the delivery that it ended, where one had begun.
    :ivar objection: what a guard has against the run, without advice; None where no guard raised it.
    :cvar retryable: whether running the same task again may succeed with nothing changed; the Airflow ring
        turns the others into an ``AirflowFailException`` so that retries are not wasted.
    """

    retryable = False
    report: dict[str, Any] | None = None
    objection: str | None = None

    @classmethod
    def objecting(cls, objection: str, advice: str, sent: str = "Nothing was sent.") -> Self:
        """The error of a guard, in three lines.

        :param objection: what it has against the run, without a full stop; the text's first line.
        :param sent: what was sent by then, its second.
        :param advice: what to do, its third.
        """
        error = cls(f"{objection}.\n{sent}\n{advice}")
        error.objection = objection
        return error


class RoktSettingsError(RoktError):
    """The connection or an argument is missing or malformed; every problem found is listed.

    :param subject: what is wrong, e.g. ``"connection 'rokt_default'"``.
    :param problems: one sentence each, saying what to enter instead.
    """

    def __init__(self, subject: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{subject} cannot be used: " + "; ".join(self.problems))


class RoktMappingError(RoktError):
    """The mapping, or a column it names, does not fit; raised before anything is sent.

    :param problems: a sentence each, where there may be several; they are listed below the text.
    :ivar problems: everything that is wrong, at least one sentence.
    """

    def __init__(self, text: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems) or (text,)
        super().__init__(text + "".join(f"\n- {problem}" for problem in problems))


class RoktSourceError(RoktError):
    """The rows cannot be read: wrong connection type, several statements, duplicate column names."""


class RoktQueryError(RoktSourceError):
    """The database or its driver failed: a query it refuses, a lost connection; in its words, without values."""

    retryable = True


class RoktAuthError(RoktError):
    """Rokt refused the credentials (401 or 403); nothing more was sent."""


class RoktEndpointError(RoktError):
    """The address is not Rokt's Events or Audience API: a redirect, a 404, or a host not allowed."""


class RoktIncompleteError(RoktError):
    """Some rows could not be delivered within the time budget, or the task was stopped; a retry sends them.

    :ivar retry_after: seconds after which Rokt asked to be tried again, where it said so.
    """

    retryable = True
    retry_after: float | None = None


class RoktUnreachableError(RoktIncompleteError):
    """No answer came from Rokt within the time budget."""


class RoktRejectedError(RoktError):
    """More rows were rejected than ``max_rejected`` allows; everything deliverable was delivered."""


class RoktDroppedError(RoktError):
    """More of a field's values are invalid than ``max_dropped`` allows, most likely since the column is a wrong one."""


class RoktTooFewRowsError(RoktError):
    """The query returned fewer rows than ``min_rows``; a retry helps where they are only late."""

    retryable = True


class RoktStorageError(RoktError):
    """A folder or bucket failed while it was used; the storage's own words, which may hold anything, are left out.

    :param what: what failed, with its address.
    :param failure: its kind, e.g. ``"OSError: No space left on device"``.
    """

    retryable = True

    def __init__(self, what: str, failure: str) -> None:
        self.failure = failure
        super().__init__(
            f"{what} ({failure}). Free the disk, or check that the folder or bucket of [rokt] ledger_path is there and "
            "that this worker may read and write it; then run the task again"
        )


class RoktFileDamagedError(RoktError):
    """A file that this provider keeps was cut short or changed, or another release wrote it; the text names it."""


class RoktLedgerError(RoktError):
    """A ledger is missing, unreadable or not of this provider."""


class RoktLedgerDamagedError(RoktLedgerError):
    """A file of a ledger was cut short, changed or lost; the text names it."""


class RoktLedgerWriteError(RoktLedgerError, RoktStorageError):
    """A ledger could not be written on; what was sent by then is in the report."""

    retryable = True


class RoktReconciliationError(RoktError):
    """The report does not account for every row: a fault in this provider, please report it."""


class RoktMemoryError(RoktError):
    """What is remembered of a sync is missing, older than it was, or another's; nothing was sent."""


class RoktSyncBusyError(RoktMemoryError):
    """Another run of the sync is at work, or took it over; a retry finds it free."""

    retryable = True


class RoktAudienceError(RoktError):
    """The audience run was refused before anything was sent: empty, too many removals, or a foreign state."""


class RoktAudienceBusyError(RoktAudienceError):
    """Another run is changing the audience, or took it over; a retry finds it free."""

    retryable = True
