"""A local Rokt: it speaks HTTP on a socket and enforces the contract of Rokt's Events API and audience import.

Rokt offers no place to try things, so DAGs are developed against this. It needs ``starlette`` and ``uvicorn``,
which Airflow 3 brings and Airflow 2.11 does not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_rokt.sandbox.server import Sandbox
    from airflow_provider_rokt.sandbox.settings import Settings

__all__ = ["Sandbox", "Settings"]

_MISSING = "The sandbox needs starlette and uvicorn: pip install airflow-provider-rokt[sandbox]"


def __getattr__(name: str) -> Any:
    # Imported on demand, so that the command line can answer a missing extra with one line.
    if name == "Settings":
        from airflow_provider_rokt.sandbox.settings import Settings

        return Settings
    if name != "Sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from airflow_provider_rokt.sandbox.server import Sandbox
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("starlette", "uvicorn"):
            raise ImportError(_MISSING) from None
        raise
    return Sandbox
