"""What rooms hand each other on the road of a row: a row's name and outcome, a source's windows, requests of batches.

Hands out plain types and the one packer that keeps every limit of a request. Imports nothing of the package but
``exceptions`` and ``limits``, and nothing outside the standard library.
"""
