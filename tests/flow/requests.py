"""What tests count of a request."""

from airflow_provider_rokt.flow.request import Request


def rows_in(request: Request) -> int:
    """How many rows it carries."""
    return sum(len(batch.rows) for batch in request.batches)
