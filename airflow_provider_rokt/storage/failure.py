"""What a disk or an object store fails with, as an error of ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from airflow_provider_rokt.exceptions import RoktError, RoktStorageError


def storage_error(uri: str, error: Exception, doing: str) -> RoktStorageError:
    """The error to raise instead.

    :param uri: of the folder.
    :param error: any at all: object stores' file systems raise what their libraries do.
    :param doing: what it could not be.
    """
    return RoktStorageError(f"{uri} cannot be {doing}", failure_of(error))


@contextmanager
def using(uri: str, doing: str) -> Iterator[None]:
    """Turns what fails inside, but errors of ours, into :class:`RoktStorageError`.

    Nothing but calls into the storage belongs there, or a fault of ours would be called one of the storage.

    :param doing: as :func:`storage_error` takes it.
    """
    try:
        yield
    except RoktError:
        raise
    except Exception as error:
        raise storage_error(uri, error, doing) from None


writing: Final = partial(using, doing="written")
reading: Final = partial(using, doing="read")


def failure_of(error: Exception) -> str:
    """Its type and, for the operating system's errors, that one's own words: a store puts its answer in their place."""
    name = type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    return f"{name}: {os.strerror(number)}" if isinstance(number, int) else name
