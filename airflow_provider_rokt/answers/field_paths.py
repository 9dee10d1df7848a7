"""Paths in Rokt's messages, as the guide's "Map to" column writes them, and no further than they are known.

A path repeats names of the posted JSON. Most are the mapping's, but some are made of what a row holds, and a message
may say anything in a path's place.
"""

import re
from functools import lru_cache
from typing import Final

from airflow_provider_rokt.answers.messages import HIDDEN

# What this provider sends of itself, whatever is mapped, and the sections, which a path is cut back to.
_FIXED: Final = frozenset(
    {
        "environment",
        "source_request_id",
        "device_info",
        "user_identities.other",
        "user_attributes",
        "consent_state.gdpr",
        "consent_state.ccpa.data_sale_opt_out",
        "integration_attributes.1277.passbackconversiontrackingid",
        "events",
        "events[].event_type",
        "events[].data.event_name",
        "events[].data.custom_event_type",
        "events[].data.source_message_id",
        "events[].data.timestamp_unixtime_ms",
        "events[].data.custom_attributes.audience_name",
        "events[].data.custom_attributes.status",
        # An import's.
        "accountId",
        "action",
        "list",
        "emails",
        "sha256s",
    }
)
# Rokt reads an event with a converter of its own, whose paths start at the event.
_EVENT_FIELDS: Final = frozenset({"data", "event_type"})
_INDEXES: Final = re.compile(r"\[\d*\]")
# Where a name would break the dotted form it stands as ['a name'].
_QUOTED: Final = re.compile(r"\['([^']*)'\]")
# A list may hold lists; no schema of Rokt's goes deeper.
_TAIL: Final = re.compile(r"(?:\[\]){1,2}\Z")
# Longer than any path that is known.
_MOST_CHARS: Final = 1000


def guide_path(path: str, paths: frozenset[str]) -> str:
    """``events[0].data.custom_attributes.currency`` as ``events[].data.custom_attributes.currency``.

    Of what is not known only the known part before it is left, with ``…`` behind it.

    :param path: from its batch on.
    :param paths: of the request, see :class:`~airflow_provider_rokt.flow.request.Request`.
    """
    full = _INDEXES.sub("[]", _QUOTED.sub(r".\1", path[:_MOST_CHARS]))
    if full.partition(".")[0] in _EVENT_FIELDS:
        full = f"events[].{full}"
    known, cut = _known(paths), full
    while _TAIL.sub("", cut) not in known:
        cut, dot, _ = cut.rpartition(".")
        if not dot:
            return ""
    return cut if cut == full else f"{cut}.{HIDDEN}"


@lru_cache(maxsize=16)
def field_names(paths: frozenset[str]) -> frozenset[str]:
    """The last names of all that is known."""
    return frozenset(path.rpartition(".")[2] for path in _known(paths))


@lru_cache(maxsize=16)
def _known(paths: frozenset[str]) -> frozenset[str]:
    """The paths, and every path on the way to one of them."""
    known = set()
    for path in paths | _FIXED:
        while path:
            known.add(_TAIL.sub("", path))
            path = path.rpartition(".")[0]
    return frozenset(known)
