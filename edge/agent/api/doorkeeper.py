"""The pole's doorkeeper: whose token it is, by the file of tokens as it is now."""

from __future__ import annotations

from edge.agent.tokens import Tokens
from edge.serving.access import FindOwner, Owner
from edge.serving.routes import SCOPES


def make_doorkeeper(tokens: Tokens) -> FindOwner:
    """Make the function that knows whose token has a hash; `tokens` are those that count."""

    def find_owner(token_sha256: str) -> Owner | None:
        token = tokens.find_hash(token_sha256)
        if token is None:
            return None
        scopes = frozenset(scope for scope in SCOPES if scope in token.scopes)
        cameras = None if token.cameras is None else frozenset(token.cameras)
        return Owner(token.name, scopes, cameras)

    return find_owner
