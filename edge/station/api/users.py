"""The station's doorkeeper: the users of its configuration."""

from __future__ import annotations

from collections.abc import Iterable

from edge.serving.access import FindOwner, Owner
from edge.station.config import SCOPES_OF, User


def make_doorkeeper(users: Iterable[User]) -> FindOwner:
    """Make the function that knows whose token has a hash; `users` are those that count."""
    owners = {user.token_hash: Owner(user.name, SCOPES_OF[user.role]) for user in users}
    return owners.get
