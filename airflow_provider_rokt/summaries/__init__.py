"""What deliveries come to, for a person: how one stands, the runs they make, a day of them, and what to do.

Hands out ``KnownDeliveries`` over a ledger. Knows nothing of pages, nor of who may see them.
"""
