"""What became of deliveries, taken from the ledger into a user's own database.

``rokt_to_sql`` holds the task that users import. ``outcomes`` makes lines of a ledger, ``tables`` says how each
database wants the two tables, and ``table_writer`` replaces a delivery's lines in them, in one transaction. Imports
``flow``, ``ledger``, ``sources`` and ``task``.
"""
