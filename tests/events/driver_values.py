"""Values of every type a SQL driver returns, generated."""

from hypothesis import strategies as st


def telling() -> st.SearchStrategy[str]:
    """Text of characters no reason is written with, so that one of them in a reason is a leak."""
    return st.text(alphabet="ΩЖ★§¥λ", min_size=1).flatmap(
        lambda core: st.sampled_from([core, f"{core}@{core}", f"{core} {core}", f"555{core}", f"{core}-01-01"])
    )


def scalars() -> st.SearchStrategy[object]:
    """Single values, the odd ones too: NaN, infinities, lone surrogates, numbers and times as text."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.text(),
        st.binary(),
        st.dates(),
        st.datetimes(timezones=st.none() | st.timezones()),
        st.times(),
        st.uuids(),
        st.ip_addresses(),
        st.timedeltas(),
        st.characters(categories=["Cs"]),
        st.from_regex(r"[+-]?[0-9]{1,30}(\.[0-9]*)?", fullmatch=True),
        st.datetimes().map(str),
        telling(),
    )


def driver_values() -> st.SearchStrategy[object]:
    """Single values, arrays and structs."""
    return scalars() | st.lists(scalars(), max_size=3) | st.dictionaries(st.text(), scalars(), max_size=2)
