"""The link from a task to what it delivered."""

from typing import Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_rokt.plugin.rokt_plugin import task_page


class RoktDeliveryLink(BaseOperatorLink):
    """Leads to the tab of the task instance that shows its delivery."""

    name = "Rokt delivery"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The tab's address in Airflow's UI; empty where this Airflow has no place for it.

        :param ti_key: names the task instance. On Airflow 3 it is asked for as the task ends.
        """
        return task_page(ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)
