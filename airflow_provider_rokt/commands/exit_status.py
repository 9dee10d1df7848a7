"""How a command ends: with a status, and with a line for what went wrong."""

import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable
from functools import wraps

from airflow.providers.common.compat.sdk import AirflowException
from airflow.utils.cli import suppress_logs_and_warning

from airflow_provider_rokt.exceptions import RoktError

FAILED = 2


def exits(function: Callable[[Namespace], int]) -> Callable[[Namespace], None]:
    """Makes a command of a function that returns the exit status.

    An error ends it with status 2 and what the error says; ``--verbose`` adds the traceback of one that is not
    meant for users.
    """

    @suppress_logs_and_warning
    @wraps(function)
    def command(arguments: Namespace) -> None:
        # As Airflow's own commands do: without it Airflow 3 knows no connections but those of the environment.
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        try:
            status = function(arguments)
        except Exception as error:
            status = FAILED
            if arguments.verbose and not isinstance(error, RoktError):
                traceback.print_exc()
            print(_said(error), file=sys.stderr)
        sys.exit(status)

    return command


def _said(error: Exception) -> str:
    # Python's own errors say what is wrong only together with their name: "KeyError: 'orders'".
    is_for_users = isinstance(error, RoktError | AirflowException)
    return str(error) if is_for_users else f"{type(error).__name__}: {error}"
