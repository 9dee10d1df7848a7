"""The Custom Audience Import, in its v3 and v1.0 forms, with their credential checks.

Rokt documents 201, 400 and 401 and no response body; a body here only helps a person who reads it.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.authorization import authorization_of, is_basic, is_key
from airflow_provider_rokt.sandbox.faults import Struck
from airflow_provider_rokt.sandbox.kept import Import
from airflow_provider_rokt.sandbox.reply import Post, Reply, content_of, refuse

IMPORT_V1 = "/api/1.0/import/suppression"
IMPORT_V3 = "/v3/import/suppression"
CHECK_V1 = "/api/1.0/auth-check"
CHECK_V3 = "/v3/auth-check"

# Rokt's v1.0 page: up to 1,000,000 contacts a request; the v3 page names no number.
MEMBERS: Final = 1_000_000
# A million digests are 67 MB of JSON; more than this cannot be an import.
REQUEST_BYTES: Final = 128_000_000

_Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z")]
_Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]


_Shape = TypeVar("_Shape")


class _Body(msgspec.Struct):
    action: Literal["include", "exclude"]
    account_id: str | None = msgspec.field(name="accountId", default=None)
    audience: str = msgspec.field(name="list", default="AdvertiserDatabase")
    email: _Email | None = None
    emails: Annotated[list[_Email], Meta(max_length=MEMBERS)] | None = None
    sha256: _Digest | None = None
    sha256s: Annotated[list[_Digest], Meta(max_length=MEMBERS)] | None = None

    @property
    def members(self) -> dict[str, Sequence[str]]:
        """What was given, by the name it was given under; Rokt tolerates an empty second array."""
        given: dict[str, Sequence[str] | None] = {
            "email": [self.email] if self.email else None,
            "emails": self.emails,
            "sha256": [self.sha256] if self.sha256 else None,
            "sha256s": self.sha256s,
        }
        return {name: members for name, members in given.items() if members}


class _Check(msgspec.Struct):
    account_id: str = msgspec.field(name="accountId")


def take_in(account: Account, post: Post, _: Struck) -> Reply:
    """What Rokt answers to an audience import.

    :raises Refused: with the answer, where it is refused.
    """
    _check_credentials(account, post)
    body = _read(post, _Body)
    if post.path == IMPORT_V3:
        _check_account(account, body.account_id)
    if len(body.members) != 1:
        refuse(400, "Exactly one of email, emails, sha256 and sha256s must be given.")
    ((field, members),) = body.members.items()
    change = Import(post.path, body.action, body.audience, field, len(members), content_of(post))
    account.store.change_audience(change, _digests(field, members))
    return Reply(201)


def check(account: Account, post: Post, _: Struck) -> Reply:
    """What Rokt answers to a credential check: 200 or 401."""
    _check_credentials(account, post)
    if post.path == CHECK_V3:
        _check_account(account, _read(post, _Check).account_id)
    return Reply(200)


def _check_credentials(account: Account, post: Post) -> None:
    authorization, settings = authorization_of(post), account.settings
    if post.path in (IMPORT_V3, CHECK_V3):
        known = is_basic(authorization, settings.rpub, settings.rsec)
    else:
        known = is_key(authorization, settings.audience_key)
    if not known:
        refuse(401)


def _check_account(account: Account, given: str | None) -> None:
    if not given:
        refuse(400, "accountId is missing.")
    if given != account.settings.account_id:
        refuse(401)


def _read(post: Post, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(content_of(post), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The reader names the place and the rule, never the value.
        refuse(400, str(error))


def _digests(field: str, members: Sequence[str]) -> list[str]:
    """One person is one member, named by address or by digest: Rokt hashes the trimmed lower-case address."""
    if field.startswith("sha256"):
        return [member.lower() for member in members]
    return [hashlib.sha256(member.strip().lower().encode()).hexdigest() for member in members]
