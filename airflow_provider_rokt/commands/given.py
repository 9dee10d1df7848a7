"""What the commands' arguments name: a query's rows, and a delivery's options with the operators' own defaults."""

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.runs.options import DeliveryOptions, options_from
from airflow_provider_rokt.sources import SqlSource

_Options = TypeVar("_Options", bound=DeliveryOptions)


def refuse(arguments: Namespace, flags: Mapping[str, str], why: str) -> None:
    """Refuses arguments that are for something else.

    :param flags: by the argument's name, what it is called on the command line.
    :raises RoktSettingsError: naming all that were given.
    """
    if given := [flag for name, flag in flags.items() if getattr(arguments, name) is not None]:
        raise RoktSettingsError("the command's arguments", [f"{flag} {why}" for flag in given])


def options_of(kind: type[_Options], arguments: Namespace) -> _Options:
    """What was given, so that everything else has the operators' defaults.

    :raises RoktSettingsError: for a value out of range, or a mapping that is no JSON.
    """
    given = {field.name: getattr(arguments, field.name, None) for field in fields(kind)}
    given["mapping"] = _json("--mapping", arguments.mapping)
    return options_from(kind, **{name: value for name, value in given.items() if value is not None})


def names_task(arguments: Namespace) -> bool:
    """Whether a DAG's task is named.

    :raises RoktSettingsError: where only half of its name is given.
    """
    if (arguments.dag_id is None) != (arguments.task_id is None):
        raise RoktSettingsError("the command's arguments", ["give --dag-id and --task-id together"])
    return arguments.dag_id is not None


def source_of(arguments: Namespace, fetch_size: int, hook_params: Mapping[str, Any] | None = None) -> SqlSource:
    """The query's rows.

    :param hook_params: of the SQL connection's hook.
    :raises RoktSettingsError: where there is no query, or two, or no connection.
    """
    if arguments.sql_conn_id is None:
        raise RoktSettingsError("the command's arguments", ["give --sql-conn-id"])
    sql, parameters = query_of(arguments)
    return SqlSource(arguments.sql_conn_id, sql, parameters, hook_params, fetch_size)


def query_of(arguments: Namespace) -> tuple[str, Any]:
    """The query and its parameters.

    :raises RoktSettingsError: where there is no query, or two.
    """
    if (arguments.sql is None) == (arguments.sql_file is None):
        raise RoktSettingsError("the command's arguments", ["give either --sql or --sql-file"])
    sql = arguments.sql if arguments.sql_file is None else _content("--sql-file", arguments.sql_file)
    return sql, _json("--parameters", arguments.parameters)


def _json(flag: str, text: str | None) -> Any:
    """The JSON of an argument, written out or in the file named behind an ``@``."""
    if text is None:
        return None
    try:
        return json.loads(_content(flag, text[1:]) if text.startswith("@") else text)
    except json.JSONDecodeError as error:
        raise RoktSettingsError(flag, [f"it has to be JSON, or @ and the name of a JSON file ({error})"]) from None


def _content(flag: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RoktSettingsError(flag, [f"{path!r} cannot be read ({getattr(error, 'strerror', error)})"]) from error
