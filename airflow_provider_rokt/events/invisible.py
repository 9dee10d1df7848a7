"""Characters that nobody sees: one rule for all text that is matched or hashed."""

import re
from typing import Final

# Unicode 16, DerivedCoreProperties.txt, Default_Ignorable_Code_Point: soft hyphen, joiners, direction marks, variation
# selectors, byte order mark, Hangul and Khmer fillers, tags. And the Braille blank U+2800, which looks like a space and
# is none. They come from web pages, chats and files, and any one of them makes another hash of the same name.
INVISIBLE: Final = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]+")
holds_invisible: Final = _INVISIBLE.search
# Unicode's category Cc. A NUL or a bell has no place in any text; a line break or tab may stand in an attribute.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
_NO_SPACE: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]").search


def visible(written: str) -> str:
    """What is left of a text without the characters that nobody sees, trimmed."""
    # To look first is twice as fast as to replace nothing.
    return written if written.isascii() or not holds_invisible(written) else _INVISIBLE.sub("", written).strip()


def has_control(written: str, *, but_spaces: bool = False) -> bool:
    """Whether a text holds a control character.

    :param but_spaces: tabs and line breaks are none.
    """
    # isprintable is twenty times faster, and true of nothing that holds one.
    return not written.isprintable() and bool((_NO_SPACE if but_spaces else _CONTROL)(written))
