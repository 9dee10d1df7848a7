"""What proves to Rokt who is sending, and how each surface wants to hear it."""

from base64 import b64encode
from dataclasses import dataclass, field

from airflow_provider_rokt.api.endpoints import IMPORT_V1, IMPORT_V3
from airflow_provider_rokt.exceptions import RoktAuthError
from airflow_provider_rokt.flow.request import Endpoint


@dataclass(frozen=True, slots=True)
class Credentials:
    """A connection's secrets; its ``repr`` shows none of them.

    :param key: the Events API key, or the ``rpub-`` key of the v3 import.
    :param secret: the Events API secret, or the ``rsec-`` secret.
    :param audience_api_key: the key of the v1.0 import.
    """

    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    audience_api_key: str | None = field(default=None, repr=False)

    @property
    def is_audience_pair(self) -> bool:
        """Whether the pair is an ``rpub-``/``rsec-`` one, which the Events API does not know."""
        return bool(self.key and self.secret and self.key.startswith("rpub-"))

    @property
    def import_endpoint(self) -> Endpoint:
        """The generation of the audience import these credentials are for; a single key is the older one's."""
        return IMPORT_V1 if self.audience_api_key else IMPORT_V3

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked in logs besides the fields themselves: the pair as the header encodes it."""
        return (self._encoded_pair(),) if self.key and self.secret else ()

    def authorization(self, endpoint: Endpoint) -> str:
        """The ``Authorization`` header for an endpoint.

        :raises RoktAuthError: where the connection lacks it; nothing is ever sent without one.
        """
        if endpoint.bare_key:
            if not self.audience_api_key:
                raise RoktAuthError("The connection has no audience_api_key; enter it in the extra.")
            # Rokt's v1.0 import wants the bare key, without a scheme before it.
            return self.audience_api_key
        if not (self.key and self.secret):
            raise RoktAuthError("The connection lacks the API key (login) or the API secret (password).")
        return f"Basic {self._encoded_pair()}"

    def _encoded_pair(self) -> str:
        return b64encode(f"{self.key}:{self.secret}".encode()).decode()
