"""``airflow rokt sandbox``: a local Rokt."""

import sys
from argparse import Namespace

from airflow_provider_rokt.sandbox.__main__ import serve


def sandbox(arguments: Namespace) -> None:
    """Serves until interrupted."""
    sys.exit(serve(arguments))
