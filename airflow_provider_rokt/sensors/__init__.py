"""The sensor that users put behind a delivery. Reads through ``ledger``."""
