"""``airflow rokt``: the command line as Airflow draws it (``cli``), and what its commands run when they are called."""
