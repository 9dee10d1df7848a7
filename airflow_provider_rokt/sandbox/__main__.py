"""``python -m airflow_provider_rokt.sandbox``: a local Rokt, and the Airflow connection that leads to it."""

import argparse
import sys
from collections.abc import Sequence

import msgspec

from airflow_provider_rokt import sandbox
from airflow_provider_rokt.sandbox.airflow_connection import connection
from airflow_provider_rokt.sandbox.arguments import ARGUMENTS
from airflow_provider_rokt.sandbox.behaviour import Settings

_BANNER = """\
Rokt sandbox at {url} (stop with Ctrl-C)

Airflow connection for events, and for audiences by API key:
  export AIRFLOW_CONN_ROKT_DEFAULT='{v1}'
Airflow connection for audiences by rpub/rsec pair and account id:
  export AIRFLOW_CONN_ROKT_AUDIENCES='{v3}'

What it holds: {url}/sandbox/summary, /sandbox/events, /sandbox/audiences
It keeps what it is sent in memory and shows it to whoever asks: send it no real people's data."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serves a sandbox until interrupted.

    :param argv: the arguments, without the program's name.
    :returns: the process's exit status.
    """
    return serve(parser().parse_args(argv))


def serve(arguments: argparse.Namespace) -> int:
    """Serves a sandbox until interrupted; see :func:`main`."""
    names = Settings.__dataclass_fields__
    try:
        settings = Settings(**{name: value for name, value in vars(arguments).items() if name in names})
        server = sandbox.Sandbox(settings, host=arguments.host, port=arguments.port)
    except (ImportError, OSError, ValueError) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 1
    server.faults.add(*arguments.fault)
    v1, v3 = (msgspec.json.encode(connection(server.url, settings, via)).decode() for via in ("v1", "v3"))
    print(_BANNER.format(url=server.url, v1=v1, v3=v3), flush=True)
    server.run()
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_rokt.sandbox", description=__doc__)
    for flag, options in ARGUMENTS.items():
        parser.add_argument(flag, **options)
    return parser


if __name__ == "__main__":
    sys.exit(main())
