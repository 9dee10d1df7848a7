"""A folder that outlives a task, on a disk or an object store, a lease on it, and files that go with their process.

Hands out ``Folder`` with its two kinds, ``folder_at`` that finds the right one, ``Lease``, files without a name, and
what a storage failed with in words of ours. Knows neither rows nor Rokt: of the package it imports ``exceptions``
alone.
"""
