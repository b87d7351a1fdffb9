"""The pole's doorkeeper: its tokens, and the audit in which callers are put on record."""

from __future__ import annotations

from collections.abc import Sequence

from edge.agent.tokens import Tokens
from edge.serving.access import Owner
from edge.serving.audit import AuditBook
from edge.serving.guesses import Tally
from edge.serving.routes import SCOPES, Caller


class PoleDoorkeeper:
    """See `Doorkeeper`."""

    def __init__(self, tokens: Tokens, book: AuditBook) -> None:
        """`tokens` are those that count, `book` is where callers are put on record."""
        self._tokens, self._book = tokens, book

    def find_owner(self, token_sha256: str) -> Owner | None:
        """Whose token has this hash now."""
        token = self._tokens.find_hash(token_sha256)
        if token is None:
            return None
        scopes = frozenset(scope for scope in SCOPES if scope in token.scopes)
        cameras = None if token.cameras is None else frozenset(token.cameras)
        return Owner(token.name, scopes, cameras)

    async def note_session(self, caller: Caller) -> None:
        """Put on record that somebody signed in."""
        await self._book.note_session(caller)

    async def note_wrong_tokens(self, tallies: Sequence[Tally]) -> None:
        """Put on record that wrong tokens came."""
        await self._book.note_wrong_tokens(tallies)
