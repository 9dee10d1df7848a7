"""How a command that takes something away, or cannot be undone, asks first."""

import sys
from argparse import Namespace

from airflow_provider_rokt.exceptions import RoktSettingsError


def asking_problems(arguments: Namespace) -> list[str]:
    """Why nobody could be asked, as a problem of the arguments; none where nobody has to be."""
    if arguments.yes or arguments.dry_run or sys.stdin.isatty():
        return []
    return ["there is no terminal to ask at: add --yes, or --dry-run to be told"]


def require_answer(arguments: Namespace) -> None:
    """Makes sure that somebody can be asked, where somebody has to be.

    :raises RoktSettingsError: where nobody can.
    """
    if problems := asking_problems(arguments):
        raise RoktSettingsError("the command's arguments", problems)


def is_agreed(told: str, question: str) -> bool:
    """Asks beside the output, which may be for a program.

    :param told: what would be done.
    :param question: e.g. ``"Remove them for good?"``.
    """
    print(f"{told}\n{question} Only yes does: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"
