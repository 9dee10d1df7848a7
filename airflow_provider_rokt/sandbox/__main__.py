"""``python -m airflow_provider_rokt.sandbox``: a local Rokt, and the Airflow connection that leads to it."""

import argparse
import sys
from collections.abc import Sequence

import msgspec

from airflow_provider_rokt import sandbox
from airflow_provider_rokt.sandbox.connection import connection
from airflow_provider_rokt.sandbox.faults import AnyFault
from airflow_provider_rokt.sandbox.settings import Settings

_BANNER = """\
Rokt sandbox at {url} (stop with Ctrl-C)

Airflow connection for events, and for audiences by API key:
  export AIRFLOW_CONN_ROKT_DEFAULT='{v1}'
Airflow connection for audiences by rpub/rsec pair and account id:
  export AIRFLOW_CONN_ROKT_AUDIENCES='{v3}'

What it holds: {url}/sandbox/summary, /sandbox/events, /sandbox/audiences
It keeps what it is sent in memory and shows it to whoever asks: send it no real people's data."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve a sandbox until interrupted.

    :param argv: the arguments, without the program's name.
    :returns: the process's exit status.
    """
    arguments = parser().parse_args(argv)
    names = Settings.__dataclass_fields__
    settings = Settings(**{name: value for name, value in vars(arguments).items() if name in names})
    try:
        server = sandbox.Sandbox(settings, host=arguments.host, port=arguments.port)
    except (ImportError, OSError) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 1
    server.faults.add(*arguments.fault)
    v1, v3 = (msgspec.json.encode(connection(server.url, settings, via)).decode() for via in ("v1", "v3"))
    print(_BANNER.format(url=server.url, v1=v1, v3=v3), flush=True)
    server.run()
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, its defaults those of :class:`Settings`."""
    known = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_rokt.sandbox",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8585, help="port to listen on; 0 takes a free one")
    add("--key", default=known.key, help="Events API key")
    add("--secret", default=known.secret, help="Events API secret")
    add("--account-id", default=known.account_id, help="account id of the v3 audience import")
    add("--rpub", default=known.rpub, help="public half of the v3 audience import's credentials")
    add("--rsec", default=known.rsec, help="secret half of them")
    add("--audience-key", default=known.audience_key, help="API key of the v1.0 audience import")
    add("--batches-per-second", type=int, help="answer 429 above this; Rokt's default is 270")
    add("--acceleration", type=int, help="answer 429 to more batches than this above the second before")
    add("--retry-after", choices=["seconds", "date", "none"], default=known.retry_after, help="how a 429 says it")
    add("--keep", choices=["everything", "counts"], default=known.keep, help="counts, for runs too large to hold")
    add("--seed", type=int, default=known.seed, help="of the faults that strike with a probability")
    add("--fault", type=_fault, action="append", default=[], help='e.g. {"kind":"status","status":503,"times":2}')
    return parser


def _fault(text: str) -> AnyFault:
    try:
        fault: AnyFault = msgspec.json.decode(text, type=AnyFault)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return fault


if __name__ == "__main__":
    sys.exit(main())
