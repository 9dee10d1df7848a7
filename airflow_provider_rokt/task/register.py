"""Airflow's own database as a mapping of texts, kept as variables: what every worker sees, whatever its disk."""

from collections.abc import Iterator, MutableMapping
from typing import Any

from airflow.providers.common.compat.sdk import Variable

_DESCRIPTION = "Where the Rokt provider's memory is and how far it has come; see airflow rokt syncs"


class AirflowVariables(MutableMapping[str, str]):
    """Airflow's variables. They can be asked for by name alone.

    :param variables: how they are reached; from within a task as any task reaches them. What runs beside the tasks of
        Airflow 3 has to give Airflow's own model.
    """

    def __init__(self, variables: Any = Variable) -> None:
        self._variables = variables

    def __getitem__(self, key: str) -> str:
        try:
            return str(self._variables.get(key))
        except Exception as error:
            # Airflow 2 raises a KeyError for what is not there, Airflow 3 an error that names itself in its text.
            # Outside of a task, Airflow 3.0 has nobody to ask.
            if isinstance(error, KeyError | ImportError) or str(error).startswith("VARIABLE_NOT_FOUND"):
                raise KeyError(key) from None
            raise

    def __setitem__(self, key: str, value: str) -> None:
        self._variables.set(key, value, description=_DESCRIPTION)

    def __delitem__(self, key: str) -> None:
        self._variables.delete(key)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("variables can be asked for by name alone")

    def __len__(self) -> int:
        raise TypeError("variables can be asked for by name alone")
