"""The Custom Audience Import, in its v3 and v1.0 forms, with their credential checks.

Rokt documents 201, 400 and 401 and no response body. The bodies of other readings are those of its older APIs, which
answer 200; an error's body here only helps a person who reads it.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.authorization import authorization_of, is_basic, is_key
from airflow_provider_rokt.sandbox.faults import Struck
from airflow_provider_rokt.sandbox.kept import Import
from airflow_provider_rokt.sandbox.lists import Name
from airflow_provider_rokt.sandbox.reply import Post, Reply, content_of, refuse

IMPORT_V1 = "/api/1.0/import/suppression"
IMPORT_V3 = "/v3/import/suppression"
CHECK_V1 = "/api/1.0/auth-check"
CHECK_V3 = "/v3/auth-check"

# Rokt's v1.0 page: up to 1,000,000 contacts a request; the v3 page names no number.
MEMBERS: Final = 1_000_000
# A million digests are 67 MB of JSON; more than this cannot be an import.
REQUEST_BYTES: Final = 128_000_000
_DEFAULT_LIST: Final = "AdvertiserDatabase"
# What a digest begins with whose member the reading ``unprocessed`` does not take.
_UNPROCESSED: Final = tuple("0123")

_Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z")]
_Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]


_Shape = TypeVar("_Shape")


class _Body(msgspec.Struct):
    action: Literal["include", "exclude"]
    account_id: str | None = msgspec.field(name="accountId", default=None)
    audience: str = msgspec.field(name="list", default=_DEFAULT_LIST)
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
    if account.settings.auth_first == "yes":
        _check_credentials(account, post)
    body = _read(post, _Body)
    if account.settings.auth_first == "no":
        _check_members(body)
        _check_credentials(account, post)
    if post.path == IMPORT_V3:
        _check_account(account, body.account_id)
    _check_members(body)
    return _import(account, post, body)


def check(account: Account, post: Post, _: Struck) -> Reply:
    """What Rokt answers to a credential check: 200 or 401."""
    _check_credentials(account, post)
    if post.path == CHECK_V3:
        _check_account(account, _read(post, _Check).account_id)
    return Reply(200)


def _import(account: Account, post: Post, body: _Body) -> Reply:
    ((field, given),) = body.members.items()
    reading = account.settings.import_body
    if reading == "known_lists" and body.audience != _DEFAULT_LIST:
        account.store.drop_members(len(given))
        return _told({"success": False})
    names = [Name.of_digest(each) if field.startswith("sha256") else Name.of_address(each) for each in given]
    left = [name for name in names if reading == "unprocessed" and name.person.startswith(_UNPROCESSED)]
    taken = [name for name in names if not name.person.startswith(_UNPROCESSED)] if left else names
    change = Import(post.path, body.action, body.audience, field, len(given), content_of(post))
    account.store.change_audience(change, taken, len(left))
    if reading == "empty":
        return Reply(201)
    if reading == "unprocessed":
        return _told({"data": {"unprocessedRecords": [name.text for name in left]}})
    return _told({"success": True})


def _told(body: object) -> Reply:
    return Reply(200, msgspec.json.encode(body), {"content-type": "application/json"})


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


def _check_members(body: _Body) -> None:
    if len(body.members) != 1:
        refuse(400, "Exactly one of email, emails, sha256 and sha256s must be given.")


def _read(post: Post, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(content_of(post), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The reader names the place and the rule, never the value.
        refuse(400, str(error))
