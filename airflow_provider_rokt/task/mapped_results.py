"""What mapped tasks returned where there were none: Airflow 2 gives None, as for a task that returned nothing."""

from typing import Any

from airflow.providers.common.compat.sdk import MappedOperator, XComArg


def of_mapped_tasks(content: object, operator: Any) -> bool:
    """Whether an argument stands for what any number of tasks returned; not for a neighbour in a mapped group.

    :param operator: whose argument it is.
    """
    sender = getattr(content, "operator", None) if isinstance(content, XComArg) else None
    if sender is None or isinstance(sender, MappedOperator):
        return sender is not None
    return sender.get_closest_mapped_task_group() not in (None, operator.get_closest_mapped_task_group())
