"""Who saw, changed and tried what: `audit` records, on disk before a picture leaves the pole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from aiohttp import web

from edge.agent.api.context import POLE, Pole
from edge.errors import StoreError
from edge.feeds import Draft
from edge.model import Json
from edge.serving.guesses import Tally
from edge.serving.plain_text import plain_text
from edge.serving.routes import CALLER, Caller
from edge.wire import format_utc

DISK_WAIT_S = 2.0
"""A disk in trouble must not blind the duty desk: the record stays queued and comes later."""
_logger = logging.getLogger("polewatch.api")


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
    pole = request.app[POLE]
    said = {key: _tame(value) for key, value in (data or {}).items()}
    said |= {"what": what, **_who(request[CALLER])}
    await _append(pole, [_draft(pole, "access", said, camera)])


async def note_session(pole: Pole, caller: Caller) -> None:
    """Put on record that somebody signed in."""
    await _append(pole, [_draft(pole, "login", {"result": "session", **_who(caller)})])


async def note_wrong_tokens(pole: Pole, tallies: Sequence[Tally]) -> None:
    """Put on record that wrong tokens came; the tokens themselves never are."""
    drafts = [
        _draft(
            pole,
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
        await _append(pole, drafts)


def _who(caller: Caller) -> dict[str, Json]:
    by: dict[str, Json] = {"by": caller.name, "address": plain_text(caller.address)}
    return by | ({"session": True} if caller.by_cookie else {})


def _tame(value: Json) -> Json:
    return plain_text(value) if isinstance(value, str) else value


def _draft(pole: Pole, kind: str, said: Mapping[str, Json], camera: str | None = None) -> Draft:
    at_ms, clock = pole.clock.utc_ms(), pole.read_clock()
    return Draft("audit", pole.make_id(), kind, at_ms, clock, camera=camera, data=said)


async def _append(pole: Pole, drafts: Sequence[Draft]) -> None:
    try:
        await asyncio.wait_for(pole.log.append(drafts), DISK_WAIT_S)
    except TimeoutError:
        _logger.warning("audit: records wait for the disk; see health")
    except StoreError as exc:
        _logger.warning("audit: records are lost, and will be counted: %s", exc)
