"""What waits in the triggerer for the sensor. Reads through ``ledger``."""
