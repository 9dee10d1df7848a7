"""What the commands of ``airflow rokt`` run, imported when they are called."""
