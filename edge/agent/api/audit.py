"""Who saw, changed and tried what: `audit` records, on disk before a picture leaves the pole."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence

from aiohttp import web

from edge.agent.api.context import POLE, Pole
from edge.agent.api.guesses import Tally
from edge.agent.api.routes import CALLER, Caller
from edge.agent.feeds import Draft
from edge.model import Json
from edge.wire import format_utc

DISK_WAIT_S = 2.0
"""A disk in trouble must not blind the duty desk: the record stays queued and comes later."""
TEXT_CHARS_MAX = 200
_UNPRINTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
"""Line ends, escape codes, what turns the direction of writing, and halves of pairs."""
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
    caller = request[CALLER]
    said = {key: _tame(value) for key, value in (data or {}).items()}
    await _write(request.app[POLE], "access", camera, {**said, "what": what, **_who(caller)})


async def note_session(pole: Pole, caller: Caller) -> None:
    """Put on record that somebody signed in."""
    await _write(pole, "login", None, {"result": "session", **_who(caller)})


async def note_wrong_tokens(pole: Pole, tallies: Sequence[Tally]) -> None:
    """Put on record that wrong tokens came; the tokens themselves never are."""
    for tally in tallies:
        data: dict[str, Json] = {
            "result": "wrong token",
            "address": plain_text(tally.address),
            "count": tally.count,
            "first": format_utc(tally.first_ms),
            "last": format_utc(tally.last_ms),
        }
        await _write(pole, "login", None, data)


def plain_text(text: str) -> str:
    """Make what a client sent harmless for logs and records: one short line, nothing hidden."""
    return _UNPRINTED.sub("\ufffd", text[:TEXT_CHARS_MAX])


def _who(caller: Caller) -> dict[str, Json]:
    by: dict[str, Json] = {"by": caller.name, "address": plain_text(caller.address)}
    return by | ({"session": True} if caller.by_cookie else {})


def _tame(value: Json) -> Json:
    return plain_text(value) if isinstance(value, str) else value


async def _write(pole: Pole, kind: str, camera: str | None, data: Mapping[str, Json]) -> None:
    draft = Draft(
        "audit", pole.make_id(), kind, pole.clock.utc_ms(), pole.read_clock(),
        camera=camera, data=data,
    )  # fmt: skip
    try:
        await asyncio.wait_for(pole.log.append([draft]), DISK_WAIT_S)
    except TimeoutError:
        _logger.warning("audit: a record of kind %s waits for the disk; see health", kind)
