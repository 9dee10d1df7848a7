"""Who uses a sync: who is at work, whose turn it is where two runs would send the same rows, whose rows are remembered.

Hands out ``Turn``, which one run at a time has, ``Presence`` of those that need none, ``at_work``, and ``Uses``, which
accounts and tasks a memory serves. Imports ``flow`` and ``storage``, and knows nothing of what a sync remembers.
"""
