"""The text of a token: how it is made, and the hash by which it is known everywhere else; pure."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "pw_"
"""So that a token is recognised where it should not be: in logs, in repositories."""
_RANDOM_BYTES = 32


def make_token_text() -> str:
    """Make a token: 256 random bits behind the prefix."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def hash_token(text: str) -> str:
    """SHA-256 of a token's text, hex; 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
