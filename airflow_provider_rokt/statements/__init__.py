"""SQL as text: whether it is one statement that returns rows, and what of a database's words about it may be shown.

``statement`` (with ``dialects`` and ``lexer``) reads what a user wrote before it runs; ``known_phrases`` and ``hiding``
leave of an error's text what holds no row's value. Imports nothing but ``exceptions``.
"""
