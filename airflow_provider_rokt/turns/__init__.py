"""Who is at work on a sync, and whose turn it is where two runs at a time would send the same rows.

Hands out ``Turn``, which one run at a time has, ``Presence`` of those that need none, and ``at_work``. Imports ``flow``
and ``storage``, and knows nothing of what a sync remembers.
"""
