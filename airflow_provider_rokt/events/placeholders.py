"""What stands where an identity is missing. Two strangers who both have it would become one person.

The list is what other platforms refuse, in lower case and trimmed:

- Mixpanel rejects events under ``-1 0 00000000-… <nil> [] anon anonymous false lmy47d n/a na nil none null true
  undefined unknown {}`` (docs.mixpanel.com, troubleshooting, server-side events without a user; its importer has the
  list).
- PostHog never merges ``anonymous guest distinctid distinct_id id not_authenticated email undefined true false
  [object Object] NaN None none null 0`` (docs, product-analytics/identify).
- Segment suggests to block zeroes and dashes (``^[0\\-]*$``), ``-1``, ``null``, ``anonymous``, and a team's own, like
  ``void`` (docs, identity resolution onboarding, blocked values).
- RudderStack's profiles exclude ``unknown`` and ``NaN`` (docs, id types).
- AWS HealthLake ignores all zeros and ``unknown n/a na none null unassigned pending temp test`` (placeholder value
  filtering).
- mParticle publishes no such list; it joins whoever shares an identity (its IDSync pages).

The rest are the names that languages and tools give to nothing. :class:`~airflow_provider_rokt.events.rules.Rules`
takes another list.
"""

import re
from collections.abc import Set as AbstractSet
from hashlib import sha256
from typing import Final
from unicodedata import normalize

# Nothing, as programs write it: no person, order or event is called so.
NOTHING: Final = frozenset(
    {
        *(
            "null",
            "none",
            "nil",
            "nan",
            "nat",
            "undefined",
            "n/a",
            "#n/a",
            "(null)",
            "<null>",
            "<nil>",
            "<na>",
            "<none>",
        ),
        *("[object object]", "[object undefined]", "[object null]", "(none)", "(not set)", "(not provided)", "not set"),
        # MySQL's and Hive's dumps; spreadsheets.
        *(r"\n", "#null!", "#ref!", "#value!", "#name?", "#div/0!"),
    }
)
PLACEHOLDERS: Final = NOTHING | {
    *("unknown", "(unknown)", "unidentified", "unassigned", "not_authenticated", "unauthenticated", "not available"),
    *("anonymous", "anonymous user", "anonymous_user", "anon", "guest", "guest user", "guest_user", "visitor"),
    *("test", "testing", "test user", "test_user", "testuser", "temp", "dummy", "default", "void", "pending", "tbd"),
    *("na", "n.a.", "missing", "empty", "blank", "no id", "invalid", "-1", "true", "false"),
    *("id", "email", "distinctid", "distinct_id", "userid", "user_id", "customerid", "customer_id"),
    # Android 2.2's fault: many devices had this one. LMY47D is the name of an Android build.
    *("9774d56d682e549c", "android", "lmy47d"),
}
# The digests that SQL makes of an empty text and of a placeholder, lowered or not.
_DIGESTS: Final = frozenset(
    sha256(word.encode()).hexdigest() for word in ("", " ", "-", "NULL", "None", "NaN", "N/A", *PLACEHOLDERS)
)
# What a link's or a mail's template holds until somebody fills it in: {click_id}, ${id}, %ID%, <id>, [id], *|ID|*.
_TEMPLATE: Final = re.compile(r"[$#%]?\{.*\}|%.*%|<.*>|\[.*\]|\*\|.*\|\*", re.DOTALL)
_QUOTES: Final = "\"'`"


def is_nothing(written: str, words: AbstractSet[str] = NOTHING) -> bool:
    """Whether a trimmed text is one of the words, quoted or not, or holds neither letter nor digit, like a dash."""
    if not written.isascii():
        written = normalize("NFKC", written)  # a Japanese keyboard's ｎｕｌｌ
    if written.lower().strip(_QUOTES) in words:
        return True
    return not (written.isalnum() or any(map(str.isalnum, written)))


def is_placeholder(written: str, words: AbstractSet[str] = PLACEHOLDERS) -> bool:
    """Whether a trimmed text names nobody: one of the words, a template not filled in, or zeros and punctuation."""
    if is_nothing(written, words) or _TEMPLATE.fullmatch(written):
        return True
    return not any(map(str.isalnum, written.replace("0", "")))


def is_digest_of_nothing(digest: str) -> bool:
    """Whether a SHA-256 is that of an empty text or of a placeholder: many people share it."""
    return digest in _DIGESTS
