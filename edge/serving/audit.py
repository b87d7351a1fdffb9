"""Who saw, changed and tried what: `audit` records, on disk before a picture leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from edge.clock import Clock
from edge.errors import StoreError
from edge.feeds import ClockReading, Draft
from edge.model import Json
from edge.serving.guesses import Tally
from edge.serving.plain_text import plain_text
from edge.serving.refusals import RefusedOften
from edge.serving.routes import CALLER, Caller
from edge.wire import format_utc

DISK_WAIT_S = 2.0
"""A disk in trouble must not blind the duty desk: the record waits in memory and comes later."""
_logger = logging.getLogger("polewatch.api")


class AuditBook:
    """Writes down who was given what, and who came."""

    def __init__(
        self,
        append: Callable[[Sequence[Draft]], Awaitable[object]],
        clock: Clock,
        *,
        read_clock: Callable[[], ClockReading],
        make_id: Callable[[], str],
    ) -> None:
        """`append` puts records into the log and returns once they are on disk.

        Where it is cancelled they are written later; StoreError: they never are.
        """
        self._append, self._clock = append, clock
        self._read_clock, self._make_id = read_clock, make_id

    async def note_access(
        self, caller: Caller, said: Mapping[str, Json], *, camera: str | None
    ) -> None:
        """See the function of this name."""
        tamed = {key: _tame(value) for key, value in said.items()}
        await self._write([self._draft("access", tamed | _who(caller), camera)])

    def make_change(self, caller: Caller, said: Mapping[str, Json], *, camera: str | None) -> Draft:
        """Make the record of a change, to be written together with it."""
        tamed = {key: _tame(value) for key, value in said.items()}
        return self._draft("change", tamed | _who(caller), camera)

    async def note_change(self, caller: Caller, said: Mapping[str, Json]) -> None:
        """Put on record what somebody has changed."""
        await self._write([self.make_change(caller, said, camera=None)])

    async def note_session(self, caller: Caller, result: str) -> None:
        """Put on record that somebody signed in or out."""
        await self._write([self._draft("login", {"result": result, **_who(caller)})])

    async def note_refusals(self, refused: Sequence[RefusedOften]) -> None:
        """Put on record what known callers did not get, and why."""
        drafts = [
            self._draft(
                "access",
                {
                    "result": "refused",
                    "what": each.what.route,
                    "status": each.what.status,
                    "detail": plain_text(each.detail),
                    "by": each.what.name,
                    "address": plain_text(each.what.address),
                    "count": each.count,
                    "first": format_utc(each.first_ms),
                    "last": format_utc(each.last_ms),
                    **({"reason": each.reason} if each.reason else {}),
                },
            )
            for each in refused
        ]
        await self._write(drafts)

    async def note_wrong_tokens(self, tallies: Sequence[Tally]) -> None:
        """Put on record that wrong tokens came; the tokens themselves never are."""
        drafts = [
            self._draft(
                "login",
                {
                    "result": "wrong token",
                    "address": plain_text(tally.address),
                    "count": tally.count,
                    "first": format_utc(tally.first_ms),
                    "last": format_utc(tally.last_ms),
                },
            )
            for tally in tallies
        ]
        if drafts:
            await self._write(drafts)

    def _draft(self, kind: str, said: Mapping[str, Json], camera: str | None = None) -> Draft:
        at_ms, clock = self._clock.utc_ms(), self._read_clock()
        return Draft("audit", self._make_id(), kind, at_ms, clock, camera=camera, data=said)

    async def _write(self, drafts: Sequence[Draft]) -> None:
        try:
            await asyncio.wait_for(self._append(drafts), DISK_WAIT_S)
        except TimeoutError:
            _logger.warning("audit: records wait for the disk; see health")
        except StoreError as exc:
            _logger.warning("audit: records=%d are lost: %s", len(drafts), exc)


AUDIT = web.AppKey("audit", AuditBook)


async def note_access(
    request: web.Request,
    *,
    what: str,
    camera: str | None = None,
    data: Mapping[str, Json] | None = None,
) -> None:
    """Put on record that somebody is given pictures; call it before the first byte leaves.

    Args:
        request: of a route that needs a scope, so that its caller is known.
        what: "media", "snapshot", "live", "clip" and the like.
        camera: whose picture it is; None for one of several or of none.
        data: what else tells it from others, a hash for instance; texts in it are made harmless.
    """
    said = {**(data or {}), "what": what}
    await request.app[AUDIT].note_access(request[CALLER], said, camera=camera)


def make_change(
    request: web.Request, *, what: str, data: Mapping[str, Json], camera: str | None = None
) -> Draft:
    """Make the record of what somebody changes, to be written in one commit with the change.

    Args:
        request: of a route that needs a scope.
        what: "alert.ack", "alert.hold" and the like.
        camera: whose alert it is; None for none or the pole's own.
        data: what else tells it from others.
    """
    return request.app[AUDIT].make_change(request[CALLER], {**data, "what": what}, camera=camera)


async def note_change(request: web.Request, *, what: str, data: Mapping[str, Json]) -> None:
    """Put on record what somebody has changed, after it was done; see `make_change`."""
    await request.app[AUDIT].note_change(request[CALLER], {**data, "what": what})


def _who(caller: Caller) -> dict[str, Json]:
    by: dict[str, Json] = {"by": caller.name, "address": plain_text(caller.address)}
    by |= {"session": True} if caller.by_cookie else {}
    return by | ({"reason": caller.reason} if caller.reason else {})


def _tame(value: Json) -> Json:
    return plain_text(value) if isinstance(value, str) else value
