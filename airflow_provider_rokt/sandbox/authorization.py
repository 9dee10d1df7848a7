"""Whether a request names an account the sandbox knows; compared in constant time, never logged."""

import base64
import binascii
import hmac

from airflow_provider_rokt.sandbox.reply import Post


def authorization_of(post: Post) -> str:
    """The ``Authorization`` header, or ``""``."""
    return post.headers.get("authorization", "").strip()


def is_basic(authorization: str, user: str, password: str) -> bool:
    """Whether the header is ``Basic`` with exactly this user and password."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"{user}:{password}".encode())


def is_key(authorization: str, key: str) -> bool:
    """Whether the whole header is this key, as the v1.0 import has it: no scheme before it."""
    return hmac.compare_digest(authorization.encode(), key.encode())
