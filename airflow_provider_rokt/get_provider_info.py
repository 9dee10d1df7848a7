"""What Airflow reads of this provider; imported by every Airflow process, so it imports nothing heavy."""

from typing import Any

from airflow_provider_rokt.connection.form import connection_type
from airflow_provider_rokt.limits import RETRY_SECONDS

_LEDGER_PATH = {
    "description": (
        "Where deliveries are recorded: an ObjectStoragePath URL such as ``s3://conn@bucket/rokt`` or a folder. "
        "Workers, the triggerer and the API server must all reach it. Empty: ``rokt_ledger`` in AIRFLOW_HOME."
    ),
    "type": "string",
    "example": "s3://aws_default@my-bucket/rokt-ledger",
    "default": "",
    "version_added": "1.0.0",
}

_LEDGER_DAYS = {
    "description": (
        "For how many days after its end a delivery is kept; 0 is for ever. Nothing is removed by itself: "
        "``airflow rokt deliveries prune`` removes what ended earlier. What mirrors and retries remember stays."
    ),
    "type": "integer",
    "example": "90",
    "default": "0",
    "version_added": "1.0.0",
}

_RETRY_SECONDS = {
    "description": (
        "How long one request to Rokt is tried, waits included. What is not taken by then fails, and the task with "
        "it, so that Airflow's retry sends it."
    ),
    "type": "float",
    "example": "900",
    "default": f"{RETRY_SECONDS:g}",
    "version_added": "1.0.0",
}


def get_provider_info() -> dict[str, Any]:
    """The provider metadata, as ``airflow/provider_info.schema.json`` describes it."""
    return {
        "package-name": "airflow-provider-rokt",
        "name": "Rokt",
        "description": "Conversion events and audiences from any SQL database to Rokt (mParticle by Rokt).",
        "connection-types": [connection_type()],
        "config": {
            "rokt": {
                "description": "The Rokt provider.",
                "options": {
                    "ledger_path": _LEDGER_PATH,
                    "ledger_days": _LEDGER_DAYS,
                    "retry_seconds": _RETRY_SECONDS,
                },
            }
        },
        "extra-links": ["airflow_provider_rokt.operators.delivery_link.RoktDeliveryLink"],
        "cli": ["airflow_provider_rokt.commands.cli.get_rokt_cli_commands"],
        "integrations": [
            {
                "integration-name": "Rokt",
                "external-doc-url": "https://docs.rokt.com/",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": "Rokt", "python-modules": ["airflow_provider_rokt.hooks.rokt"]}],
        "operators": [{"integration-name": "Rokt", "python-modules": ["airflow_provider_rokt.operators.rokt"]}],
        "sensors": [{"integration-name": "Rokt", "python-modules": ["airflow_provider_rokt.sensors.rokt"]}],
        "transfers": [
            {
                "source-integration-name": "Rokt",
                "target-integration-name": "Common SQL",
                "python-module": "airflow_provider_rokt.transfers.rokt_to_sql",
            }
        ],
        "triggers": [{"integration-name": "Rokt", "python-modules": ["airflow_provider_rokt.triggers.rokt"]}],
    }
