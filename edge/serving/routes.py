"""How a resource declares its routes: none can be added without saying who may call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from aiohttp import web

Scope = Literal["read", "pictures", "ack", "look", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Public:
    """For everybody, with a reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, and the scope its caller must have."""

    method: str
    path: str
    handler: Handler
    needs: Scope | Public


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a token's name, what it allows, and where the request came from.

    `cameras` None: all. `by_cookie`: the page asks, with the cookie it got for the token. `reason`
    is what for, in his own words made harmless; empty: he has not said.
    """

    name: str
    scopes: frozenset[Scope]
    cameras: frozenset[str] | None
    address: str
    by_cookie: bool = False
    reason: str = ""

    def may_see(self, camera: str | None) -> bool:
        """Whether something of this camera is for the caller; None: of the place itself."""
        return self.cameras is None or camera in self.cameras


REASON = "Polewatch-Reason"
"""The header in which a caller says what for: percent-encoded UTF-8, one short line is kept."""
CALLER = web.RequestKey("caller", Caller)
NEEDS = web.RequestKey("needs", str)
"""The scope that the route of a request needs; empty: none."""
