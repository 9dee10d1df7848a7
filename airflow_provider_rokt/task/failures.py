"""How this provider's errors end an Airflow task: with a retry where one may help, at once where it cannot."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_rokt.exceptions import RoktError, RoktSettingsError
from airflow_provider_rokt.flow.lines import log_wrapped

log = logging.getLogger(__name__)


class RoktTaskFailed(AirflowFailException):
    """The task failed and running it again with nothing changed is useless; the cause says why.

    :ivar report: the flat report of the delivery that it ended, where one had begun.
    """

    report: dict[str, Any] | None = None


@contextmanager
def terminal_errors(*, retry: bool = True) -> Iterator[None]:
    """Turns this provider's errors into :class:`RoktTaskFailed`, which Airflow does not retry.

    :param retry: whether an error that calls itself retryable passes as it is; False where the outcome is final,
        as in a sensor that looks at a delivery which is over.
    :raises RoktTaskFailed: for the others; its cause is the error itself.
    """
    try:
        yield
    except RoktError as error:
        # Airflow's page shows an error's text beside a traceback, and each of its lines to its own edge.
        log_wrapped(log, logging.ERROR, str(error), breaks_words=False)
        if retry and error.retryable:
            raise
        failed = RoktTaskFailed(str(error))
        failed.report = error.report
        # The log shows the frames of both; those of the cause say nothing that its text does not.
        raise failed from error.with_traceback(None)


class RoktArgumentsError(RoktSettingsError, RoktTaskFailed):
    """The arguments of a task are wrong, as far as the DAG file tells.

    A mapped task gets some of its arguments only when it runs; it is not retried for them.
    """
