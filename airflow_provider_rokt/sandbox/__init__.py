"""A local Rokt: it speaks HTTP on a socket and enforces the contract of Rokt's Events API and audience import.

Rokt offers no place to try things, so DAGs are developed against this. It needs ``starlette`` and ``uvicorn``,
which Airflow 3 brings and Airflow 2.11 does not.
"""

from typing import TYPE_CHECKING, Any

from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.process import SandboxProcess

if TYPE_CHECKING:
    from airflow_provider_rokt.sandbox.server import Sandbox

__all__ = ["Sandbox", "SandboxProcess", "Settings"]


def __getattr__(name: str) -> Any:
    # Imported on demand, so that a missing extra can be answered with one line that says what to install.
    if name != "Sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from airflow_provider_rokt.sandbox.server import Sandbox
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise ImportError(
            "starlette and uvicorn are missing: pip install airflow-provider-rokt[sandbox]", name=error.name
        ) from None
    return Sandbox
