"""Pictures and clips by their hash: whole or in parts, to whoever may see their cameras."""

from __future__ import annotations

import logging
import re
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.agent.api.context import POLE
from edge.errors import MediaError, ValidationError
from edge.model import Json, KeptMedia
from edge.serving.audit import note_access
from edge.serving.conditions import Conditions, judge, keeps_range
from edge.serving.disk_wait import require_disk, written_in_time
from edge.serving.layouts import Layout, lasting_headers, lay_out, tag_of
from edge.serving.media_file import MediaShelf, OpenMedia
from edge.serving.problems import Problem
from edge.serving.queries import read_body, read_parameters
from edge.serving.ranges import Span
from edge.serving.routes import CALLER, Route

_log = logging.getLogger(__name__)

ACK_MAX = 900
"""Hashes in one ack; a body of 64 KiB holds that many."""
_HASH = re.compile(r"[0-9a-f]{64}")


class MediaAck(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an ack: the caller has these files and has checked their hashes."""

    sha256: Annotated[
        list[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]], Meta(max_length=ACK_MAX)
    ]


SHELF = web.AppKey("shelf", MediaShelf)


def set_up(app: web.Application) -> None:
    """Give an app its shelf of media."""
    shelf = app[SHELF] = MediaShelf()

    async def close_shelf(_app: web.Application) -> None:
        shelf.close()

    app.on_cleanup.append(close_shelf)


async def get_media(request: web.Request) -> web.StreamResponse:
    """Give a file, or parts of it."""
    read_parameters(request)
    kept = await _find(request)
    conditions = _read_conditions(request)
    outcome = judge(conditions, tag_of(kept))
    if outcome == "failed":
        raise Problem(412, f"the file is {tag_of(kept)}; If-Match names another one")
    if outcome == "unchanged":
        return web.Response(status=304, headers=lasting_headers(kept))
    is_read = request.method == "GET"
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
            (camera,) = kept.cameras if len(kept.cameras) == 1 else (None,)
            said: dict[str, Json] = {"sha256": kept.sha256, "range": ranges}
            await note_access(request, what="media", camera=camera, data=said)
        await response.prepare(request)
        if is_read:
            await _send(request, response, layout=layout, media=media)
    return response


async def ack_media(request: web.Request) -> web.Response:
    """Note which files a caller has; those that are not there for him come back as unknown."""
    read_parameters(request)
    log, caller = request.app[POLE].log, request[CALLER]
    hashes = (await read_body(request, MediaAck)).sha256
    foreign = set()
    if caller.cameras is not None:
        for sha256 in hashes:
            kept = await log.find_media(sha256)
            if kept is None or not _may_see(kept, caller.cameras):
                foreign.add(sha256)
    known = [sha256 for sha256 in hashes if sha256 not in foreign]
    require_disk(log)
    async with written_in_time():
        unknown = foreign.union(await log.ack_media(caller.name, known))
    body = msgspec.json.encode({"unknown": [each for each in hashes if each in unknown]})
    return web.Response(body=body, content_type="application/json")


async def _find(request: web.Request) -> KeptMedia:
    """Give what is kept under the hash in the path.

    Raises:
        Problem: 404, also where the caller may not see it.
    """
    sha256 = request.match_info["sha256"]
    if _HASH.fullmatch(sha256):
        kept = await request.app[POLE].log.find_media(sha256)
        if kept is not None and _may_see(kept, request[CALLER].cameras):
            return kept
    raise Problem(404, "there is no such file; give a sha256 as a record names it")


def _may_see(kept: KeptMedia, cameras: frozenset[str] | None) -> bool:
    return cameras is None or not kept.cameras.isdisjoint(cameras)


def _read_conditions(request: web.Request) -> Conditions:
    headers = request.headers
    return Conditions(
        ",".join(headers.getall("If-Match", [])),
        ",".join(headers.getall("If-None-Match", [])),
        ",".join(headers.getall("If-Range", [])),
    )


async def _send(
    request: web.Request, response: web.StreamResponse, *, layout: Layout, media: OpenMedia
) -> None:
    """Send the body; where the file fails midway the connection is cut.

    The announced length then tells the reader that bytes are missing: he resumes where they end.
    """
    shelf = request.app[SHELF]
    try:
        for part in layout.parts:
            await response.write(part.head)
            left = part.span
            while left.size_bytes:
                chunk = await shelf.read(media, left)
                await response.write(chunk)
                left = Span(left.first + len(chunk), left.end)
        await response.write(layout.tail)
    except MediaError as exc:
        _log.warning("media cut off: %s", exc)
        if request.transport is not None:
            request.transport.abort()


ROUTES = (
    Route("GET", "/v1/media/{sha256}", get_media, "pictures"),
    Route("POST", "/v1/media/ack", ack_media, "ack"),
)
