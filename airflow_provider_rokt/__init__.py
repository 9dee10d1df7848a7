"""Apache Airflow provider for Rokt (mParticle by Rokt): conversions and audiences from any SQL database.

Importing this package imports neither Airflow nor requests nor jsonschema, so a DAG file parses fast.
"""

from importlib.metadata import version

__version__ = version("airflow-provider-rokt")
