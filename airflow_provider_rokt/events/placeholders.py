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

The rest are the names that languages, tools and shops give to nothing or nobody, some in the tongues of large shops. A
word of several parts is meant however they are joined: ``not set`` is ``not_set`` and ``NotSet`` too.
:class:`~airflow_provider_rokt.events.rules.Rules` takes another list.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import md5, sha1, sha256
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
# One letter or digit, over and over: in a list of words it stands for all such runs.
RUN: Final = "xxx"
_is_run: Final = re.compile(r"x{3,64}|([a-z])\1{3,63}|([0-9])\2{7,63}").fullmatch
PLACEHOLDERS: Final = NOTHING | {
    *("unknown", "(unknown)", "unidentified", "unassigned", "not_authenticated", "unauthenticated", "not available"),
    *("anonymous", "anonymous user", "anonymous_user", "anon", "guest", "guest user", "guest_user", "visitor"),
    *("guest checkout", "guest customer", "guest order", "anonymous customer", "no customer", "no user"),
    *("test", "testing", "test user", "test_user", "testuser", "temp", "dummy", "default", "void", "pending", "tbd"),
    *("na", "n.a.", "n.a", "missing", "empty", "blank", "no id", "invalid", "-1", "true", "false", RUN),
    *("unset", "unspecified", "undisclosed", "not specified", "not applicable", "not given", "not known", "not found"),
    *("not defined", "not disclosed", "no data", "no value", "no email", "no name", "null value", "none given"),
    *("none provided", "placeholder", "unavailable", "not exist"),
    # What is left of somebody who was forgotten.
    *("deleted", "deleted user", "redacted", "removed", "erased", "anonymized", "anonymised", "masked", "hidden"),
    *("id", "email", "distinctid", "distinct_id", "userid", "user_id", "customerid", "customer_id"),
    # Android 2.2's fault: many devices had this one. LMY47D is the name of an Android build.
    *("9774d56d682e549c", "android", "lmy47d"),
    # German, Dutch, the Nordic countries.
    *("unbekannt", "k.a.", "k.a", "k. a", "keine angabe", "nicht angegeben", "nicht verfügbar", "nicht vorhanden"),
    *("gast", "gastbestellung", "anonym", "gelöscht", "kein kunde", "onbekend", "okänd", "ukjent", "ukendt", "gäst"),
    # French, Spanish, Portuguese, Italian.
    *("inconnu", "inconnue", "non renseigné", "non disponible", "invité", "anonyme", "supprimé", "aucun"),
    *("desconocido", "desconocida", "no disponible", "invitado", "anónimo", "anonimo", "eliminado", "ninguno"),
    *("desconhecido", "desconhecida", "não informado", "nao informado", "convidado", "anônimo", "nenhum"),
    *("sconosciuto", "sconosciuta", "non disponibile", "ospite", "nessuno"),
    # Polish, Russian, Turkish, Japanese, Chinese, Korean.
    *("nieznany", "gość", "brak danych", "неизвестно", "неизвестный", "гость", "bilinmiyor", "misafir"),
    *(
        "不明",
        "未設定",
        "未登録",
        "なし",
        "ゲスト",
        "匿名",
        "未知",
        "无",
        "無",
        "访客",
        "游客",
        "알수없음",
        "알 수 없음",
        "없음",
    ),
}
# What a link's or a mail's template holds until somebody fills it in: {click_id}, ${id}, %ID%, <id>, [id], *|ID|*.
_TEMPLATE: Final = re.compile(r"[$#%]?\{.*\}|%.*%|<.*>|\[.*\]|\*\|.*\|\*", re.DOTALL)
# Around a word they mean nothing.
_AROUND: Final = "\"'`()[]<>{}#*.,;:!?_- "
_BLANKS: Final = re.compile(r"\s+")
_JOINTS: Final = re.compile(r"[\s_-]+")
_BETWEEN: Final = re.compile(r"[\s_\-/|,;:.]+")
_DIGEST_LENGTHS: Final = frozenset({32, 40, 64})


def is_nothing(written: str, words: frozenset[str] = NOTHING) -> bool:
    """Whether a trimmed text is one of the words or several, quoted or not, or holds neither letter nor digit."""
    if not written.isascii():
        written = normalize("NFKC", written)  # a Japanese keyboard's ｎｕｌｌ
    lowered = written.lower()
    bare = lowered.strip(_AROUND)
    if lowered in words or bare in words:
        return True
    if not (bare.isalnum() or any(map(str.isalnum, bare))):
        return True
    if _BLANKS.sub("", bare) in words or _JOINTS.sub("", bare) in joined(words):
        return True
    parts = _BETWEEN.split(bare)
    return len(parts) > 1 and words.issuperset(parts)


def is_placeholder(written: str, words: frozenset[str] = PLACEHOLDERS) -> bool:
    """Whether a trimmed text names nobody: one of the words or its hash, a template not filled in, one letter over and
    over, or zeros and punctuation."""
    if is_nothing(written, words) or _TEMPLATE.fullmatch(written):
        return True
    if not any(map(str.isalnum, written.replace("0", ""))):
        return True
    lowered = written.lower()
    if RUN in words and _is_run(_JOINTS.sub("", lowered)):
        return True
    return len(lowered) in _DIGEST_LENGTHS and lowered in digests(words)


@lru_cache(maxsize=8)
def joined(words: frozenset[str]) -> frozenset[str]:
    """The words of several parts, without what is between these."""
    found = ((_JOINTS.sub("", word), word) for word in words)
    return frozenset(bare for bare, word in found if bare != word and bare.isalpha())


@lru_cache(maxsize=8)
def digests(words: frozenset[str]) -> frozenset[str]:
    """The digests that SQL makes of an empty text and of the words, lowered or not: SHA-256, SHA-1 and MD5."""
    spelled = {spelling for word in words for spelling in (word, word.upper(), word.capitalize())}
    return digests_of({"", " ", "-", "0", "None", "NaN", *spelled})


def digests_of(texts: Iterable[str]) -> frozenset[str]:
    """The digests of texts as they are, in hex digits."""
    written = [text.encode() for text in texts]
    functions = (sha256, lambda raw: sha1(raw, usedforsecurity=False), lambda raw: md5(raw, usedforsecurity=False))
    return frozenset(function(raw).hexdigest() for raw in written for function in functions)


def is_digest_of_nothing(digest: str) -> bool:
    """Whether a digest is that of an empty text or of a placeholder, or all zeros or ones: many people share it."""
    return not digest.strip("0") or not digest.strip("f") or digest in digests(PLACEHOLDERS)
