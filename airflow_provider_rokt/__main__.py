"""``python -m airflow_provider_rokt``: the commands of ``airflow rokt``, which Airflow before 3.2 does not know."""

import warnings
from argparse import ArgumentParser
from collections.abc import Sequence

from airflow.cli.cli_config import CLICommand, GroupCommand

from airflow_provider_rokt.commands.cli import get_rokt_cli_commands


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a command.

    :param argv: the arguments, without the program's name.
    """
    (group,) = get_rokt_cli_commands()
    parser = ArgumentParser(prog="python -m airflow_provider_rokt", description=group.help)
    _add(parser, group)
    arguments = parser.parse_args(argv)
    # Airflow 2.11 shows its own deprecations to everybody, who came for something else.
    warnings.simplefilter("ignore", DeprecationWarning)
    arguments.func(arguments)


def _add(parser: ArgumentParser, command: CLICommand) -> None:
    if not isinstance(command, GroupCommand):
        for argument in command.args:
            argument.add_to_parser(parser)
        parser.set_defaults(func=command.func)
        return
    subparsers = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
    for child in command.subcommands:
        _add(subparsers.add_parser(child.name, help=child.help, description=child.description or child.help), child)


if __name__ == "__main__":
    main()
