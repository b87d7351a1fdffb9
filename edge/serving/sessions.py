"""Sessions of the page: a cookie that stands for a token, in memory, for twelve hours.

A session holds the token's hash and nothing else: once the token is revoked it opens nothing.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from edge.serving.token_text import hash_token

SESSION_S = 12 * 3600
SESSIONS_MAX = 256
"""A desk has few people; the one that was begun first goes."""
TOKEN_SESSIONS_MAX = 32
"""A program that signs in for each request must end its own sessions, not the duty desk's."""
_RANDOM_BYTES = 32
_NS_PER_S = 1_000_000_000


SIGN_INS_MAX = 30
SIGN_IN_EVERY_S = 2
"""Each is an audit record: one person signs in `SIGN_INS_MAX` times at once, then so often."""


class SignIns:
    """How soon each person may sign in; as many as there are tokens."""

    def __init__(self) -> None:
        """Nobody has signed in."""
        self._paid_ns: dict[str, int] = {}

    def take(self, name: str, *, now_ns: int) -> int:
        """Count a sign-in; 0, or in how many seconds it is let through."""
        every_ns = SIGN_IN_EVERY_S * _NS_PER_S
        paid_ns = max(self._paid_ns.get(name, now_ns), now_ns) + every_ns
        early_ns = paid_ns - now_ns - SIGN_INS_MAX * every_ns
        if early_ns > 0:
            return -(-early_ns // _NS_PER_S)
        self._paid_ns[name] = paid_ns
        return 0


@dataclass(frozen=True, slots=True)
class _Session:
    token_sha256: str
    ends_ns: int


class Sessions:
    """The sessions of one server; time is given by the monotonic clock.

    Cookies are looked up by hash, so that the time it takes tells nothing about them.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._by_hash: OrderedDict[str, _Session] = OrderedDict()

    def begin(self, token: str, *, now_ns: int) -> str:
        """Begin a session for a token, given as its text.

        Returns:
            What the cookie holds: 256 random bits as text.
        """
        token_sha256 = hash_token(token)
        own = [
            key for key, session in self._by_hash.items() if session.token_sha256 == token_sha256
        ]
        if len(own) >= TOKEN_SESSIONS_MAX:
            del self._by_hash[own[0]]
        elif len(self._by_hash) >= SESSIONS_MAX:
            self._by_hash.popitem(last=False)
        text = secrets.token_urlsafe(_RANDOM_BYTES)
        self._by_hash[hash_token(text)] = _Session(token_sha256, now_ns + SESSION_S * _NS_PER_S)
        return text

    def find(self, text: str, *, now_ns: int) -> str | None:
        """The hash of the token that a cookie stands for; None: no such session, or it is over."""
        session = self._by_hash.get(hash_token(text))
        if session is None:
            return None
        if now_ns >= session.ends_ns:
            self.end(text)
            return None
        return session.token_sha256

    def end(self, text: str) -> None:
        """End a session; nothing if there is none."""
        self._by_hash.pop(hash_token(text), None)
