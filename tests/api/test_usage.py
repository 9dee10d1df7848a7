import pytest

from airflow_provider_rokt.api.usage import Usage, Window


def test_a_window_forgets_what_is_old() -> None:
    window = Window()
    for at, batches in ((1.0, 5), (1.5, 3), (2.0, 4)):
        window.add(at, batches)
    assert window.since(0.9) == 12
    assert (window.time_of(12), window.time_of(7), window.time_of(6), window.time_of(0)) == (0.0, 1.0, 1.5, 2.0)
    assert window.since(1.0) == 7
    assert window.since(2.0) == 0


def test_where_any_second_counts_the_share_is_as_it_is_told() -> None:
    usage = Usage()
    assert usage.told(10.0, 0.5) == 0.5
    assert usage.told(10.1, 0.6) == pytest.approx(0.53)
    # A pause makes what was before it old.
    assert usage.told(12.0, 0.4) == 0.4
    assert not usage.by_second(12.0)


def test_a_late_answer_to_an_early_request_says_nothing() -> None:
    usage = Usage()
    usage.told(10.5, 0.9)
    assert usage.told(10.4, 0.1) == 0.9
    assert not usage.by_second(10.5)


def test_where_whole_seconds_count_it_is_where_the_second_will_end() -> None:
    """Used evenly at 80 % of the limit, asked every 0.15 s."""
    usage = Usage()
    shares = [usage.told(at / 100, 0.8 * (at % 100) / 100) for at in range(1007, 2000, 15)]
    assert usage.by_second(20.0)
    assert shares[-20:] == pytest.approx([0.8] * 20, abs=0.01)
    # It is not told for ever by what it was.
    assert not usage.by_second(23.5)
