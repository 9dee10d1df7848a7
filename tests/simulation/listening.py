"""Listens to everything that the package logs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOGGER: Final = "airflow_provider_rokt"


class Ear(logging.Handler):
    """Keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one."""
        self._heard.append(record)

    def texts(self) -> list[str]:
        """All of it, with what errors it shows."""
        return [self.format(record) for record in self._heard]


@contextmanager
def listening() -> Iterator[Ear]:
    """Listens, and keeps others from hearing it."""
    logger, ear = logging.getLogger(_LOGGER), Ear()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(ear)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield ear
    finally:
        logger.removeHandler(ear)
        logger.setLevel(level)
        logger.propagate = propagates
