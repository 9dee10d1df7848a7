"""A retailer's dataframe, its rows as itertuples and iterrows give them; columns named after Rokt's fields."""

import pytest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pendulum = pytest.importorskip("pendulum")

COLUMNS = (
    *("SOURCE_MESSAGE_ID", "Timestamp_UnixTime_MS", "conversiontype", "AMOUNT", "currency", "Email", "customerid"),
    *("dob", "value", "user_attributes.vip", "user_attributes.points", "user_attributes.tags"),
)
MAPPING = None
_EPOCH_DAY = np.datetime64("2025-01-01T00:00:00.123456789", "ns")
_LATE = pd.Timestamp("2025-01-01 01:00:00.123456789", tz="Europe/Berlin")
_USUAL = "purchase", "5.00", "USD", "kim@example.com", "k1"
_NO = (None,) * 5

ROWS = {
    "itertuples": (
        *(np.int64(1), _EPOCH_DAY, np.str_("purchase"), np.float64(149.99), "USD", "Kim@Example.com", np.int64(17)),
        *(np.datetime64("1990-07-04"), np.float32(1.5), np.bool_(True), np.int64(5), np.array(["a", "b"])),
    ),
    "iterrows": (
        *(2.0, _LATE, "purchase", np.float32(149.99), "USD", "kim@example.com", 17.0),
        *(pd.Timestamp("1990-07-04"), np.float32(0.1), np.bool_(False), np.float64(5.0), ["a", np.str_("b")]),
    ),
    "missing in every way": (
        *("3", pd.Timestamp("2025-01-01", tz="UTC"), "purchase", pd.NA, pd.NA, "kim@example.com", np.nan),
        *(pd.NaT, np.float64("nan"), pd.NA, np.float32("nan"), None),
    ),
    "pendulum": ("4", pendulum.datetime(2025, 1, 1, tz="UTC"), *_USUAL, pendulum.date(1990, 7, 4), *_NO[:4]),
    "no time at all": ("5", pd.NaT, *_USUAL, *_NO),
    "numpy's no time": ("6", np.datetime64("NaT"), *_USUAL, *_NO),
    "a large id as a float": ("7", pendulum.datetime(2025, 1, 1), *_USUAL[:4], np.float64(2**53 + 2), *_NO),
    "a duration for a time": ("8", np.timedelta64(5, "s"), *_USUAL, *_NO),
    "int8 and uint64": ("9", np.uint64(1735689600000), *_USUAL, None, np.int8(5), None, np.uint64(7), None),
    "pandas' no birthday": ("10", np.int64(1735689600), *_USUAL, np.datetime64("NaT"), *_NO[:4]),
}
