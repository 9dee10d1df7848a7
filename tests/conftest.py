"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest

from airflow_provider_rokt.sandbox import Sandbox


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox: Sandbox) -> Iterator[Sandbox]:
    """A local Rokt that holds nothing and has no faults or limits; ``reset(Settings(...))`` gives it others."""
    _sandbox.reset()
    yield _sandbox
    # Faults set by one test, such as a long delay, must not reach what another still has in flight.
    _sandbox.reset()
