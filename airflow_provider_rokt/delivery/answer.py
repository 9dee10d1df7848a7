"""What comes back from one attempt to post: an answer, or none."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from airflow_provider_rokt.exceptions import RoktUnreachableError
from airflow_provider_rokt.request import Endpoint


class Answer(NamedTuple):
    """An HTTP answer of any status.

    :param headers: looked up without regard to case.
    :param body: its beginning; what it quotes of the rows must not be logged or kept.
    :param milliseconds: from the request's start to the body's end.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float


class NoAnswerError(RoktUnreachableError):
    """No answer came to one attempt, so it is unknown whether Rokt took it; the engine tries again.

    :param cause: the network error's type. Its text is left out: it can hold a proxy's password.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(f"no answer came from Rokt ({cause})")


class Poster(Protocol):
    """Whatever posts: :class:`~airflow_provider_rokt.delivery.client.RoktClient`, or a model of Rokt in a test."""

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        """One attempt; safe to call from several threads.

        :raises NoAnswerError: where it is unknown whether Rokt took it.
        """
