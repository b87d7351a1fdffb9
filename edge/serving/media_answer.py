"""Answers with a kept file, whole or in parts, as its reader's conditions have it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from edge.errors import MediaError, ValidationError
from edge.model import KeptMedia
from edge.serving.conditions import Conditions, judge, keeps_range
from edge.serving.layouts import Layout, lasting_headers, lay_out, tag_of
from edge.serving.link import LINK, LinkSpent, Transfer
from edge.serving.link_budget import Rank
from edge.serving.media_file import MediaShelf, OpenMedia
from edge.serving.problems import Problem
from edge.serving.ranges import Span

_log = logging.getLogger(__name__)

SHELF = web.AppKey("shelf", MediaShelf)


def set_up(app: web.Application) -> None:
    """Give an app its shelf of media."""
    shelf = app[SHELF] = MediaShelf()

    async def close_shelf(_app: web.Application) -> None:
        shelf.close()

    app.on_cleanup.append(close_shelf)


async def answer_with_media(
    request: web.Request,
    kept: KeptMedia,
    note: Callable[[str], Awaitable[None]],
    *,
    rank: Rank = Rank.REST,
) -> web.StreamResponse:
    """Give a file, or parts of it.

    Args:
        request: GET or HEAD, whose caller may see it.
        kept: which file.
        note: puts on record that it is given, with the value of Range; called before the first
            byte leaves, and before a browser is told (304) that what it has may be shown.
        rank: how urgent it is among what goes out beside it.

    Raises:
        Problem: 412, 416.
        MediaError: it is not what was recorded.
    """
    conditions = _read_conditions(request)
    outcome = judge(conditions, tag_of(kept))
    if outcome == "failed":
        raise Problem(412, f"the file is {tag_of(kept)}; If-Match names another one")
    is_read = request.method == "GET"
    if outcome == "unchanged":
        if is_read:
            await note("")
        return web.Response(status=304, headers=lasting_headers(kept))
    is_partial = is_read and keeps_range(conditions, tag_of(kept))
    ranges = ",".join(request.headers.getall("Range", [])) if is_partial else ""
    try:
        layout = lay_out(kept, ranges)
    except ValidationError as exc:
        size = {"Content-Range": f"bytes */{kept.size_bytes}"}
        raise Problem(416, str(exc), headers=size) from exc
    async with request.app[SHELF].open(kept, is_read=is_read) as media:
        response = web.StreamResponse(status=layout.status, headers=layout.headers)
        response.content_length = layout.size_bytes
        if is_read:
            await note(ranges)
        await response.prepare(request)
        if is_read:
            with request.app[LINK].transfer(request, rank) as transfer:
                await _send(request, response, _Sending(layout, media, transfer))
    return response


def _read_conditions(request: web.Request) -> Conditions:
    headers = request.headers
    return Conditions(
        ",".join(headers.getall("If-Match", [])),
        ",".join(headers.getall("If-None-Match", [])),
        ",".join(headers.getall("If-Range", [])),
    )


@dataclass(frozen=True, slots=True)
class _Sending:
    """What is sent, where it comes from, and when its pieces may go."""

    layout: Layout
    media: OpenMedia
    transfer: Transfer


async def _send(request: web.Request, response: web.StreamResponse, sending: _Sending) -> None:
    """Send the body; where the file fails midway, or the link's budget ends, the connection is cut.

    The announced length then tells the reader that bytes are missing: he resumes where they end.
    """
    shelf = request.app[SHELF]
    try:
        for part in sending.layout.parts:
            await response.write(part.head)
            left = part.span
            while left.size_bytes:
                room_bytes = await sending.transfer.turn()
                piece = Span(left.first, min(left.end, left.first + room_bytes))
                chunk = await shelf.read(sending.media, piece)
                await response.write(chunk)
                sending.transfer.sent(len(chunk))
                left = Span(left.first + len(chunk), left.end)
        await response.write(sending.layout.tail)
    except (MediaError, LinkSpent) as exc:
        _log.warning("media cut off: %s", exc)
        if request.transport is not None:
            request.transport.abort()
