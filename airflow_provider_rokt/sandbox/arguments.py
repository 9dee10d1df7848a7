"""The sandbox's command line as a table: ``python -m`` and ``airflow rokt sandbox`` are both made of it."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_rokt.sandbox.behaviour import Settings, values_of

if TYPE_CHECKING:
    from airflow_provider_rokt.sandbox.faults import AnyFault


def _fault(text: str) -> "AnyFault":
    # Every airflow command imports this table, and none of them needs msgspec for it.
    import msgspec

    from airflow_provider_rokt.sandbox.faults import AnyFault

    try:
        fault: AnyFault = msgspec.json.decode(text, type=AnyFault)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return fault


def _option(about: str, **options: Any) -> Mapping[str, Any]:
    shown = "" if options.get("default") in (None, []) else " (default: %(default)s)"
    return {"help": f"{about}{shown}", **options}


def _count(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _reading(name: str, about: str) -> Mapping[str, Any]:
    values, counted = values_of(name)
    if counted:
        among: dict[str, Any] = {"type": _count, "metavar": f"{values[0]}|N"}
    else:
        among = {"type": type(values[0]), "choices": values}
    return _option(f"reading: {about}", default=getattr(_KNOWN, name), **among)


_KNOWN: Final = Settings()
_READINGS: Final = {
    "request_id_remembered": "from when a source_request_id is remembered",
    "errors_status": "the status where some batches are bad, and whether the others are taken",
    "position_from": "where an error's position counts from",
    "index_base": "the index of the first batch in errors",
    "errors_listed": "at most so many errors are listed",
    "confirmationref": "a second event of one conversiontype and confirmationref",
    "message_id": "a second event of one source_message_id",
    "join_hash_and_address": "an import knows that an address and its hash are one person",
    "import_body": "what an import answers",
    "membership": "how a membership event has to look",
    "age_limit": "events of more months ago, or in the future, are not stored",
    "auth_first": "credentials are judged before the body",
}

# Flag -> what argparse is told of it; the defaults are those of Settings.
ARGUMENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "--host": _option("address to listen on", default="127.0.0.1"),
    "--port": _option("port to listen on; 0 takes a free one", type=int, default=8585),
    "--key": _option("Events API key", default=_KNOWN.key),
    "--secret": _option("Events API secret", default=_KNOWN.secret),
    "--account-id": _option("account id of the v3 audience import", default=_KNOWN.account_id),
    "--rpub": _option("public half of the v3 audience import's credentials", default=_KNOWN.rpub),
    "--rsec": _option("secret half of them", default=_KNOWN.rsec),
    "--audience-key": _option("API key of the v1.0 audience import", default=_KNOWN.audience_key),
    "--batches-per-second": _option("answer 429 above this; Rokt's default is 270", type=int),
    "--counting": _option(
        "how they are counted: in any second, in whole seconds, or as a bucket that fills evenly",
        choices=["sliding", "calendar", "bucket"],
        default=_KNOWN.counting,
    ),
    "--acceleration": _option("answer 429 to more batches than this above the second before", type=int),
    "--growth": _option("... which counts so many times", type=float, default=_KNOWN.growth),
    "--usage": _option("whether answers tell what is used", choices=["told", "untold"], default=_KNOWN.usage),
    "--retry-after": _option("how a 429 says it", choices=["seconds", "date", "none"], default=_KNOWN.retry_after),
    "--keep": _option("counts, for runs too large to hold", choices=["everything", "counts"], default=_KNOWN.keep),
    "--seed": _option("of the faults that strike with a probability", type=int, default=_KNOWN.seed),
    "--fault": _option('e.g. {"kind":"status","status":503,"times":2}', type=_fault, action="append", default=[]),
    **{f"--{name.replace('_', '-')}": _reading(name, about) for name, about in _READINGS.items()},
}
