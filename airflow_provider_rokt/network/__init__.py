"""HTTP that always ends: connections that can be cut, and what went wrong in words.

Hands out ``Attempt`` and ``LifelineAdapter``, which bound an attempt as a whole, and ``outage_of``, which says what
kept it from being answered. Of the package it imports ``exceptions`` alone; knows no endpoint and no row.
"""
