"""What a driver hands over as its database wrote it: bits as bytes, arrays as text."""

import re
from typing import Final

from airflow_provider_rokt.events.invisible import has_control

_LETTER: Final = re.compile(rb"[0-9A-Za-z]").search
# MySQL's BIT has 64 bits at most.
_BIT_BYTES: Final = 8
# How PostgreSQL writes an array (documentation, 8.15.6): a member stands in quotes only if it is empty, is NULL, or
# holds a comma, a brace, a quote, a backslash or white space. Text that somebody wrote in braces is hardly ever so
# exact: it has blanks after its commas, or colons after its quotes.
_BARE: Final = r'[^\s"\\{},]+'
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_ARRAY: Final = re.compile(rf"\{{(?:(?:{_BARE}|{_QUOTED})(?:,(?:{_BARE}|{_QUOTED}))*)?\}}", re.DOTALL)
_MEMBER: Final = re.compile(rf"({_QUOTED})|({_BARE})", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_QUOTES: Final = re.compile(r'[\s"\\{},]')
# One that does not begin at 1 is written with its bounds.
_BOUNDS: Final = re.compile(r"\[-?[0-9]{1,10}:-?[0-9]{1,10}\]=(?=\{)")
# How it writes ranges of ranges, which are no arrays: {[1,3),[5,8)}.
_RANGES: Final = re.compile(r"\{[\[(][^,\])]*,[^,\])]*[\])](?:,[\[(][^,\])]*,[^,\])]*[\])])*\}")
# Microsoft's way of writing one.
_GUID: Final = re.compile(r"\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}")


def bits(raw: bytes) -> bool | int | None:
    """What MySQL's BIT says: true or false for a single 0 or 1, else the number; None if it may be text.

    Its drivers return BIT(1) as one byte and longer ones as up to eight, the highest first. The column's type is not to
    be seen here, so bytes that read as text are text: a BIT(8) of 65 is an ``A``.
    """
    if not 0 < len(raw) <= _BIT_BYTES or _reads_as_text(raw):
        return None
    number = int.from_bytes(raw, "big")
    return bool(number) if len(raw) == 1 and number <= 1 else number


def array(written: str) -> list[str] | None:
    """The members of a PostgreSQL array written as text, NULLs left out; None for any other text.

    psycopg decodes arrays of the types it knows; those of an enumeration or of citext come as ``{happy,sad}``.
    """
    written = _BOUNDS.sub("", written, count=1) if written[:1] == "[" else written
    if not _ARRAY.fullmatch(written) or _GUID.fullmatch(written) or _RANGES.fullmatch(written):
        return None
    members: list[str] = []
    for quoted, bare in _MEMBER.findall(written[1:-1]):
        inner = _ESCAPED.sub(r"\1", quoted[1:-1])
        if quoted and inner and not _NEEDS_QUOTES.search(inner) and inner.upper() != "NULL":
            return None
        if quoted or bare.upper() != "NULL":
            members.append(inner if quoted else bare)
    return members


def _reads_as_text(raw: bytes) -> bool:
    unpadded = raw.rstrip(b"\0")
    if 1 < len(unpadded) < len(raw):
        # Text in a BINARY column is filled up with NULs.
        raw = unpadded
    try:
        written = raw.decode()
    except UnicodeDecodeError:
        # Text in an older encoding has letters that are the same in all of them.
        return bool(_LETTER(raw)) and not any(byte < 32 for byte in raw)
    return not has_control(written, but_spaces=len(raw) > 1)
