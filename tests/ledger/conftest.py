"""A ledger on both kinds of storage."""

import pytest

from tests.ledger.stores import ListingStore, StorePath


@pytest.fixture(params=["local", "store"])
def root(request, tmp_path):
    """A place for a ledger that is not there yet."""
    if request.param == "local":
        yield tmp_path / "rokt ledger"
        return
    yield StorePath("/bucket/ledger")
    ListingStore.store.clear()
    ListingStore.pseudo_dirs[:] = [""]
