"""Text from outside made harmless for logs, records and terminals; pure."""

from __future__ import annotations

import re

TEXT_CHARS_MAX = 200
_UNPRINTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
"""Line ends, escape codes, what turns the direction of writing, and halves of pairs."""


def plain_text(text: str) -> str:
    """Make what somebody sent harmless: one short line, nothing hidden."""
    return _UNPRINTED.sub("\ufffd", text[:TEXT_CHARS_MAX])
