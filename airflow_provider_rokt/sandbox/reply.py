"""What comes in and what goes out, free of any web framework: a post, its answer, and a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import msgspec

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Post:
    """One request to a surface.

    :param path: its path, e.g. ``"/v2/bulkevents"``.
    :param headers: by lower-case name.
    :param body: exactly as posted, or ``None`` when it is larger than the surface takes.
    :param at: when it had arrived, on the monotonic clock, in seconds.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes | None
    at: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered.

    :param status: the HTTP status, or ``None`` to reset the connection instead of answering.
    :param pause: seconds between two bytes of the body.
    """

    status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0

    @property
    def leaves_open(self) -> bool:
        """Whether it does not tell that the request came to nothing: no answer, a slow one, or an error of Rokt's."""
        return self.status is None or self.pause > 0 or self.status >= _SERVER_ERROR


class Refused(Exception):
    """Ends the handling of a request with its answer."""

    def __init__(self, answer: Reply) -> None:
        self.answer = answer
        super().__init__(answer.status)


def bad_request(*messages: str, status: int = 400) -> Reply:
    """Rokt's error body; it knows one code only.

    Its messages are HTML-escaped, apostrophes as ``&#39;``.
    """
    errors = [{"code": "BAD_REQUEST", "message": _escape(message)} for message in messages]
    return Reply(status, msgspec.json.encode({"errors": errors}), {"content-type": "application/json"})


def refuse(status: int, *messages: str) -> NoReturn:
    """Replies with an empty body, or with errors when there are any messages.

    :raises Refused: always, with the reply.
    """
    raise Refused(bad_request(*messages, status=status) if messages else Reply(status))


def content_of(post: Post) -> bytes:
    """The body of a JSON request.

    413 where it is too large. 415 where it is not declared as JSON or is compressed: Rokt asks for
    ``application/json`` and publishes nothing on compression, so neither may be relied on.
    """
    if post.body is None:
        refuse(413)
    declared = post.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json" or post.headers.get("content-encoding", "identity") != "identity":
        refuse(415)
    return post.body


def _escape(message: str) -> str:
    pairs = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))
    for character, entity in pairs:
        message = message.replace(character, entity)
    return message
