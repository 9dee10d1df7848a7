"""``airflow rokt init``: a first DAG for a query."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Final

from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.commands.given import query_of, refuse, source_of
from airflow_provider_rokt.commands.output import is_data, print_data, printable
from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.trials.proposal import Proposal, proposal
from airflow_provider_rokt.trials.trial import first_rows

_TASK_ID: Final = "send"
_CONVERSIONS: Final = "Once a day to Rokt: the conversions of a query that it has not got yet."
_DAG: Final = '''\
"""{title}"""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import {operator}

with DAG(
    dag_id={dag_id},
    schedule="@daily",
    start_date=datetime({today}, tzinfo=UTC),
    catchup=False,
    tags=["rokt"],
    doc_md=__doc__,
) as dag:
    {operator}(
        task_id="{task_id}",
{arguments}
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
'''


@exits
def init(arguments: Namespace) -> int:
    """Writes the DAG, and says what is left to do."""
    if arguments.audience is None:
        refuse(arguments, {"mode": "--mode"}, "is for audiences: add --audience")
    columns = first_rows(source_of(arguments, 1), 1).columns or ()
    found = proposal(columns, of_audience=arguments.audience is not None)
    dag_id = arguments.new_dag_id or _default_id(arguments.audience)
    text = _dag(arguments, found, dag_id)
    if arguments.to is not None:
        _write(Path(arguments.to), text)
    if is_data(arguments.output):
        print_data({"dag_id": dag_id, "dag": text, **found._asdict()}, arguments.output)
    else:
        if arguments.to is None:
            print(text)
        print("\n".join(_next(arguments, found, dag_id)), file=sys.stderr)
    return 1 if found.missing else 0


def _default_id(audience: str | None) -> str:
    """An id that Airflow takes: letters, digits, dashes, dots and underscores."""
    return "rokt_conversions" if audience is None else f"rokt_{re.sub(r'[^A-Za-z0-9_.-]+', '_', audience).lower()}"


def _dag(arguments: Namespace, found: Proposal, dag_id: str) -> str:
    is_audience = arguments.audience is not None
    own = _of_audience(arguments) if is_audience else _of_conversions()
    lines = chain(_of_query(arguments), own, _of_mapping(found))
    return _DAG.format(
        title="The members of an audience at Rokt, once a day." if is_audience else _CONVERSIONS,
        operator="RoktAudienceOperator" if is_audience else "RoktConversionOperator",
        dag_id=_written(dag_id),
        task_id=_TASK_ID,
        today=f"{date.today():%Y, %-m, %-d}",
        arguments="\n".join(f"        {line}" for line in lines),
    )


def _of_query(arguments: Namespace) -> Iterator[str]:
    sql, parameters = query_of(arguments)
    yield f"sql={_written(sql.strip())},"
    if parameters is not None:
        yield f"parameters={parameters!r},"
    yield f"sql_conn_id={_written(arguments.sql_conn_id)},"
    if arguments.rokt_conn_id != DEFAULT_CONN_ID:
        yield f"rokt_conn_id={_written(arguments.rokt_conn_id)},"


def _of_conversions() -> Iterator[str]:
    yield "# What Rokt has taken is left out. It is remembered for remember_days, which is 90: let the query return"
    yield "# fewer days than that, or an older order goes again."
    yield 'send="new",'


def _of_audience(arguments: Namespace) -> Iterator[str]:
    yield f"audience={_written(arguments.audience)},"
    yield f"mode={_written(arguments.mode or 'include')},"


def _written(text: str) -> str:
    """Text as Python source; several lines as they are, where nothing in them means something else there."""
    is_plain = text.isascii() and re.sub(r"[\n\t]", "", text).isprintable() and "\\" not in text
    if "\n" in text and is_plain and '"""' not in text and text[-1] != '"':
        # Not set in: a text within the query may go over lines.
        return f'"""\n{text}\n"""'
    return json.dumps(text) if text.isascii() else repr(text)


def _of_mapping(found: Proposal) -> Iterator[str]:
    yield "mapping={"
    for path, source in found.mapping.items():
        if isinstance(source, dict):
            yield f"    {_written(path)}: {json.dumps(source)},  # of every row: is it right?"
        else:
            yield f"    {_written(path)}: {_written(source)},"
    yield from [f"    # required, and no column seems to be it: {path}" for path in found.missing]
    yield "},"
    yield from [f"# Not sent: {_written(column)}" for column in found.unmapped]


def _write(path: Path, text: str) -> None:
    """Writes a file that is not there yet: a DAG that somebody has changed by hand is not written over."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RoktSettingsError("--to", [f"{str(path)!r} cannot be written ({error.strerror})"]) from error


def _next(arguments: Namespace, found: Proposal, dag_id: str) -> Iterator[str]:
    yield from [printable(f"No column seems to be {path}: name one in the mapping") for path in found.missing]
    if found.unmapped:
        yield printable(f"Columns that are not sent: {', '.join(found.unmapped)}")
    yield "Guessed from the columns' names: read the mapping before you use it. Nothing was sent. Next:"
    if arguments.to is None:
        yield "  save it in the folder of your DAGs"
    yield f"  airflow connections add {arguments.rokt_conn_id} --conn-type rokt --conn-login KEY --conn-password SECRET"
    yield f"  airflow rokt check --dag-id {dag_id} --task-id {_TASK_ID}"
