"""The pole's doorkeeper: its tokens, and the audit in which callers are put on record."""

from __future__ import annotations

from collections.abc import Sequence

from edge.agent.api.audit import note_session, note_wrong_tokens
from edge.agent.api.context import Pole
from edge.serving.access import Owner
from edge.serving.guesses import Tally
from edge.serving.routes import SCOPES, Caller


class PoleDoorkeeper:
    """See `Doorkeeper`."""

    def __init__(self, pole: Pole) -> None:
        """`pole` gives the tokens and the log."""
        self._pole = pole

    def find_owner(self, token_sha256: str) -> Owner | None:
        """Whose token has this hash now."""
        token = self._pole.tokens.find_hash(token_sha256)
        if token is None:
            return None
        scopes = frozenset(scope for scope in SCOPES if scope in token.scopes)
        cameras = None if token.cameras is None else frozenset(token.cameras)
        return Owner(token.name, scopes, cameras)

    async def note_session(self, caller: Caller) -> None:
        """Put on record that somebody signed in."""
        await note_session(self._pole, caller)

    async def note_wrong_tokens(self, tallies: Sequence[Tally]) -> None:
        """Put on record that wrong tokens came."""
        await note_wrong_tokens(self._pole, tallies)
