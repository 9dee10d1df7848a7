"""What Rokt may accept and never use is counted."""

from airflow_provider_rokt.events.losses import SharedReferences


def seen(*events: tuple[str, str | None, str]) -> list[tuple[int, str]]:
    """What is suspected of events of these keys, references and kinds."""
    references = SharedReferences()
    for key, reference, kind in events:
        attributes = {"conversiontype": kind} | ({} if reference is None else {"confirmationref": reference})
        references.see(key, attributes)
    return [(suspicion.rows, suspicion.text) for suspicion in references.suspicions()]


def test_rows_that_share_kind_and_reference_are_counted_and_three_pairs_are_named() -> None:
    ((rows, text),) = seen(("a", "R", "buy"), ("z", "S", "buy"), *((f"b{n}", "R", "buy") for n in range(5)))
    assert rows == 5
    assert "5 rows share" in text
    assert "(a and b0; a and b1; a and b2)" in text
    assert "S" not in text.split("(")[1].split(")")[0]


def test_other_kinds_other_references_none_and_the_same_id_are_no_suspects() -> None:
    assert seen(("a", "R", "buy"), ("b", "R", "sell"), ("c", "Q", "buy"), ("d", None, "buy"), ("e", None, "buy")) == []
    assert seen(("a", "R", "buy"), ("a", "R", "buy")) == []


def test_memory_is_bounded() -> None:
    far = [(f"k{n}", f"r{n}", "buy") for n in range(3 * 16_384)]
    assert seen(("a", "R", "buy"), *far, ("b", "R", "buy")) == []
    ((rows, _),) = seen(("a", "R", "buy"), *far[:16_384], ("b", "R", "buy"))
    assert rows == 1
