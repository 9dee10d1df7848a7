"""What Rokt's answers mean: a table of meanings, errors taken apart and shown without values, a verdict on each batch.

Hands out the table with ``meaning_of``, and ``judge``, which makes an answer a verdict on each batch of a request.
Imports ``flow``; knows of HTTP only status and body.
"""
