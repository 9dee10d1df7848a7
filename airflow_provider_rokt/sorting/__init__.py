"""What is too much for the memory, sorted on the worker's disk: lines of any length, and records of one size.

Hands out ``LineSorter``, ``RecordSorter`` and ``merged``, ``SortedRecords``, which are looked up where they lie, and
``KeySet``. Its files have no name, but for sorted records that are written to a folder. Knows neither rows nor Rokt: of
the package it imports ``exceptions`` and ``storage``.
"""
