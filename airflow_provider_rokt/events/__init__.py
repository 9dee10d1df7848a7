"""A row becomes a valid event batch: the table of fields, mapping, normalising, the schema, grouping by user.

Hands out ``ConversionStream`` and what an audience's events are made with. Pure: it imports ``flow``, the validators
and the phone library, and never HTTP, Airflow or a database.
"""
