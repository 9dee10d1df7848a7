"""How this provider's errors end an Airflow task: with a retry where one may help, at once where it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_rokt.exceptions import RoktError, RoktSettingsError


class RoktTaskFailed(AirflowFailException):
    """The task failed and running it again with nothing changed is useless; the cause says why."""


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
        if retry and error.retryable:
            raise
        raise RoktTaskFailed(str(error)) from error


class RoktArgumentsError(RoktSettingsError, RoktTaskFailed):
    """The arguments of a task are wrong, as far as the DAG file tells.

    A mapped task gets some of its arguments only when it runs; it is not retried for them.
    """
