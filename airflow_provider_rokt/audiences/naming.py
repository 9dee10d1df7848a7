"""Names: of an audience, and of the user attribute that says whether somebody is in it."""

import re
from typing import Final

from airflow_provider_rokt.limits import AUDIENCE_NAME_CHARS

# What Segment's own destination for Rokt sends. Rokt has not published whether the flag or the event decides, nor
# the prefix it expects of others, so both are sent and the flag's name can be chosen.
FLAG: Final = "segment_{audience}"

_AUDIENCE: Final = "{audience}"
# mParticle's default service limits: longer attribute names are cut off, so that two of them could become one.
_FLAG_CHARS: Final = 256
# A name with one of these is a mistake nobody sees, and half of a surrogate pair cannot be sent at all.
_NEVER: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

# Rokt has published one name, US_Customers, and not what it makes of others.
_USUAL: Final = re.compile(r"[A-Za-z0-9_ -]*").fullmatch


def name_problem(audience: object) -> str | None:
    """What is wrong with an audience's name, as the end of a sentence that begins with what holds it."""
    if not isinstance(audience, str) or not audience.strip() or len(audience) > AUDIENCE_NAME_CHARS:
        return f"must be a name of 1 to {AUDIENCE_NAME_CHARS} characters"
    return _spelling_problem(audience)


def is_usual(audience: str) -> bool:
    """Whether a name is made of letters, digits, ``_``, ``-`` and blanks alone."""
    return _USUAL(audience) is not None


def flag_problem(flag: object, audience: object) -> str | None:
    """The same of a flag's name.

    :param audience: the audience it is for; one whose own name is wrong is not judged again.
    """
    if not isinstance(flag, str) or (flag and _AUDIENCE not in flag):
        return "must be a name with {audience} in it, or empty for no flag"
    if name_problem(audience) is None and len(flag_name(flag, str(audience))) > _FLAG_CHARS:
        return f"must not make the attribute's name longer than {_FLAG_CHARS} characters"
    return _spelling_problem(flag)


def flag_name(flag: str, audience: str) -> str:
    """The attribute's name; empty for none. Other braces are kept, so that no template can fail."""
    return flag.replace(_AUDIENCE, audience)


def _spelling_problem(name: str) -> str | None:
    if name != name.strip():
        return "must not begin or end with a blank"
    return "must not hold control characters or halves of surrogate pairs" if _NEVER.search(name) else None
