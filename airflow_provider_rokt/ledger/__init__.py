"""What was sent and what became of it: the one durable record of a delivery, and what is read from it.

Hands out ``Ledger`` (begin, find, list, expiry), its writer and reader, ``Report`` and ``BatchStatus``. Imports
``flow`` and ``storage``.
"""
