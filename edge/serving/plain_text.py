"""Text from outside made harmless for logs, records and terminals; pure."""

from __future__ import annotations

import unicodedata

TEXT_CHARS_MAX = 200
_UNPRINTED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of line ends, escape codes, what is not seen or turns writing round, half pairs."""


def plain_text(text: str) -> str:
    """Make what somebody sent harmless: one short line, nothing hidden."""
    short = text[:TEXT_CHARS_MAX]
    if short.isascii() and short.isprintable():
        return short
    return "".join("\ufffd" if is_unprinted(each) else each for each in short)


def is_unprinted(character: str) -> bool:
    """Whether a character does something else than be read."""
    return unicodedata.category(character) in _UNPRINTED
