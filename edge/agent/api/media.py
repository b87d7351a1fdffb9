"""Pictures and clips by their hash: whole or in parts, to whoever may see their cameras."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.agent.api.context import POLE
from edge.agent.api.urgency import rank_of_file
from edge.model import Json, KeptMedia
from edge.serving.audit import note_access, note_change
from edge.serving.disk_wait import QUEUED, written_in_time
from edge.serving.link import LINK
from edge.serving.media_answer import answer_with_media
from edge.serving.problems import Problem
from edge.serving.queries import read_body, read_parameters
from edge.serving.routes import CALLER, Route

ACK_MAX = 900
"""Hashes in one ack; a body of 64 KiB holds that many."""
_HASH = re.compile(r"[0-9a-f]{64}")


class MediaAck(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an ack: the caller has these files and has checked their hashes."""

    sha256: Annotated[
        list[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]], Meta(max_length=ACK_MAX)
    ]


async def get_media(request: web.Request) -> web.StreamResponse:
    """Give a file, or parts of it."""
    read_parameters(request)
    kept = await _find(request)
    (camera,) = kept.cameras if len(kept.cameras) == 1 else (None,)

    async def note(ranges: str) -> None:
        said: dict[str, Json] = {"sha256": kept.sha256, "range": ranges}
        await note_access(request, what="media", camera=camera, data=said)

    rank = rank_of_file(kept.type)
    request.app[LINK].admit(rank)
    return await answer_with_media(request, kept, note, rank=rank)


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
    async with written_in_time(QUEUED) as handing:
        handing.begin(log)
        unknown = foreign.union(await log.ack_media(caller.name, known))
    noted = sorted(set(hashes) - unknown)
    if noted:
        said: dict[str, Json] = {"count": len(noted), "sha256": noted[0]}
        await note_change(request, what="media.ack", data=said)
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


ROUTES = (
    Route("GET", "/v1/media/{sha256}", get_media, "pictures"),
    Route("POST", "/v1/media/ack", ack_media, "ack"),
)
