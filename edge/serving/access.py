"""Who asks, and whether they may: bearer tokens, the page's cookie, and too many wrong guesses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias
from urllib.parse import unquote

from aiohttp import web

from edge.clock import Clock
from edge.serving.audit import AuditBook
from edge.serving.guesses import WINDOW_S, Guesses, network_of
from edge.serving.plain_text import plain_text
from edge.serving.problems import Problem
from edge.serving.refusals import Refusals, Refused
from edge.serving.routes import CALLER, NEEDS, REASON, Caller, Public, Scope
from edge.serving.sessions import Sessions, SignIns
from edge.serving.token_text import hash_token

REPORT_EVERY_S = 2.0
SAFE_METHODS = ("GET", "HEAD")
_FORBIDDEN, _NOT_FOUND, _TOO_OFTEN = 403, 404, 429
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,200}=*) *", re.IGNORECASE)
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a token is and what it allows; `cameras` None: all."""

    name: str
    scopes: frozenset[Scope]
    cameras: frozenset[str] | None = None


FindOwner: TypeAlias = Callable[[str], Owner | None]
"""Whose token has this hash now; None: nobody's."""


class Access:
    """Knows a caller by token or cookie."""

    def __init__(self, find_owner: FindOwner, book: AuditBook, clock: Clock) -> None:
        """Begin without sessions; `book` is where callers are put on record."""
        self.sessions, self._sign_ins = Sessions(), SignIns()
        self._find_owner, self._book, self._clock = find_owner, book, clock
        self._guesses, self._refusals = Guesses(), Refusals()

    def authorise(self, request: web.Request, needs: Scope | Public) -> None:
        """Let a request through to its route, with `CALLER` set where the route needs a scope.

        Raises:
            Problem: 401 without a right token, 403 where it does not allow this, 429.
        """
        request[NEEDS] = "" if isinstance(needs, Public) else needs
        if isinstance(needs, Public):
            return
        caller = self.identify(request)
        if caller is None:
            raise unknown_caller("a token is needed: Authorization: Bearer pw_…")
        request[CALLER] = caller
        if needs not in caller.scopes:
            raise Problem(403, f"this token lacks the scope {needs}; ask for one that has it")

    def identify(self, request: web.Request) -> Caller | None:
        """Say who asks; None: nobody says.

        A token in the address counts as none: addresses end up in logs and histories.

        Raises:
            Problem: 401 for a wrong token or a session that is over, 429 after too many wrong
                tokens, 403 for a page of somebody else that uses our cookie.
        """
        shown = request.headers.getall("Authorization", [])
        if shown:
            found = _BEARER.fullmatch(shown[0]) if len(shown) == 1 else None
            return self.know(found[1] if found else "", request)
        cookie = request.cookies.get(cookie_name(request))
        if cookie is None:
            return None
        token_sha256 = self.sessions.find(cookie, now_ns=self._clock.monotonic_ns())
        owner = self._find_owner(token_sha256) if token_sha256 else None
        if owner is None:
            raise unknown_caller("the session is over; sign in again")
        if request.method not in SAFE_METHODS:
            check_origin(request)
        return _make_caller(owner, request, by_cookie=True)

    def know(self, text: str, request: web.Request) -> Caller:
        """Say whose token somebody shows.

        Raises:
            Problem: 401, it is wrong; 429, it is wrong, and too many were before it.
        """
        owner = self._find_owner(hash_token(text))
        if owner is None:
            self._refuse(request.remote or "unknown")
        return _make_caller(owner, request)

    async def begin_session(self, text: str, caller: Caller) -> str:
        """Begin a session for a token, given as its text; returns what the cookie holds.

        Raises:
            Problem: 429, its owner has begun too many.
        """
        now_ns = self._clock.monotonic_ns()
        if wait_s := self._sign_ins.take(caller.name, now_ns=now_ns):
            detail = f"{caller.name} signs in too often; wait {wait_s} s, and keep the cookie"
            raise Problem(429, detail, headers={"Retry-After": str(wait_s)})
        cookie = self.sessions.begin(text, now_ns=now_ns)
        await self._book.note_session(caller, "session")
        return cookie

    async def end_session(self, cookie: str, caller: Caller) -> None:
        """End a session, given as what its cookie holds; nothing if there is none."""
        if self.sessions.find(cookie, now_ns=self._clock.monotonic_ns()) is not None:
            self.sessions.end(cookie)
            await self._book.note_session(caller, "signed out")

    def count_refusal(self, request: web.Request, route: str, problem: Problem) -> None:
        """Count what a known caller may not have, or asked for where there is nothing for him.

        What any reader might ask for in vain is not counted, nor what makes no sense, nor what
        can't be given just now.
        """
        caller = request.get(CALLER)
        is_his_fault = problem.status in (_FORBIDDEN, _TOO_OFTEN)
        is_telling = problem.status == _NOT_FOUND and request.get(NEEDS) != "read"
        if caller is None or not (is_his_fault or is_telling):
            return
        what = Refused(caller.name, network_of(caller.address), route, problem.status)
        self._refusals.add(
            what, detail=problem.detail, reason=caller.reason, now_ms=self._clock.utc_ms()
        )

    async def report(self) -> None:
        """Put wrong tokens and refusals on record until cancelled, and then what is left."""
        try:
            while True:
                await asyncio.sleep(REPORT_EVERY_S)
                await self._report(self._clock.monotonic_ns())
        finally:
            await self._report(self._clock.monotonic_ns() + WINDOW_S * _NS_PER_S)

    async def _report(self, now_ns: int) -> None:
        if due := self._guesses.take_due(now_ns=now_ns):
            await self._book.note_wrong_tokens(due)
        if refused := self._refusals.take_due(now_ns=now_ns):
            await self._book.note_refusals(refused)

    def _refuse(self, address: str) -> NoReturn:
        clock = self._clock
        wait_s = self._guesses.add(address, now_ns=clock.monotonic_ns(), now_ms=clock.utc_ms())
        if wait_s is None:
            raise unknown_caller("the token is wrong or was revoked; ask for a new one")
        detail = f"too many wrong tokens came from here; wait {wait_s} s, or use the right one"
        raise Problem(429, detail, headers={"Retry-After": str(wait_s)})


ACCESS = web.AppKey("access", Access)


def cookie_name(request: web.Request) -> str:
    """What the session's cookie is called; under TLS browsers hold it to this host and to TLS.

    Cookies know no ports (RFC 6265 §8.5): of two servers at one desk's loopback, by tunnels or as
    demos, each would end the other's session but for the port in the name.
    """
    if request.secure:
        return "__Host-polewatch"
    port = request.headers["Host"].rpartition(":")[2]
    return f"polewatch-{port}" if port.isdecimal() else "polewatch"


def check_origin(request: web.Request) -> None:
    """Refuse what another site's page sends in our user's name.

    Raises:
        Problem: 403.
    """
    own = f"{request.scheme}://{request.headers['Host']}"
    if request.headers.get("Origin", "").lower() != own.lower():
        raise Problem(403, "a write by cookie must come from this server's own page (Origin)")
    if request.body_exists and request.content_type != "application/json":
        raise Problem(415, "a write by cookie must be JSON; set Content-Type: application/json")


def unknown_caller(detail: str) -> Problem:
    """401, with the header that says how to show a token (RFC 6750 §3)."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="polewatch"'})


def _make_caller(owner: Owner, request: web.Request, *, by_cookie: bool = False) -> Caller:
    return Caller(
        owner.name, owner.scopes, owner.cameras, request.remote or "unknown", by_cookie,
        reason=plain_text(unquote(request.headers.get(REASON, ""))).strip(),
    )  # fmt: skip
