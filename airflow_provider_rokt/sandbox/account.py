"""The one account a sandbox stands for: its settings, what it holds, its limits and the faults that are set."""

from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.faults import Faults
from airflow_provider_rokt.sandbox.rate import Rate
from airflow_provider_rokt.sandbox.store import Store


class Account:
    """Made anew by every reset, so that a request still under way then does not reach the next one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings)
        self.rate = Rate(settings)
        self.faults = Faults(settings.seed)
