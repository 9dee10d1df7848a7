"""Requests in, verdicts out: several requests on their way at once, until every batch has a verdict.

Hands out ``Delivery`` and ``DeliveryRun``, which pushes a source through a stream into one. Imports ``flow``, ``api``
and ``ledger``.
"""
