"""A folder that outlives a task, on a disk or an object store, and a lease on it.

Hands out ``Folder`` with its two kinds, ``folder_at`` that finds the right one, ``Lease``, and what a storage failed
with in words of ours. Knows neither rows nor Rokt: of the package it imports ``exceptions`` alone.
"""
