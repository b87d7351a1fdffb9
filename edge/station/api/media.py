"""Pictures and clips that are kept here, by the pole whose records name them and their hash."""

from __future__ import annotations

import re

from aiohttp import web

from edge.errors import SpoiltMedia
from edge.model import Json
from edge.serving.audit import note_access
from edge.serving.media_answer import answer_with_media
from edge.serving.problems import Problem
from edge.serving.queries import read_parameters
from edge.serving.routes import Route
from edge.station.api.context import STATION

_HASH = re.compile(r"[0-9a-f]{64}")


async def get_media(request: web.Request) -> web.StreamResponse:
    """Give a file, or parts of it; also of a pole that is pulled no longer."""
    read_parameters(request)
    pole, sha256 = request.match_info["pole"], request.match_info["sha256"]
    desk = request.app[STATION].desk
    kept = await desk.find_media(pole, sha256) if _HASH.fullmatch(sha256) else None
    if kept is None:
        raise Problem(404, "no such file is here; the alert's media say what is and what comes")
    (camera,) = kept.cameras if len(kept.cameras) == 1 else (None,)

    async def note(ranges: str) -> None:
        said: dict[str, Json] = {"pole": pole, "sha256": sha256, "range": ranges}
        await note_access(request, what="media", camera=camera, data=said)

    try:
        return await answer_with_media(request, kept, note)
    except SpoiltMedia:
        await desk.set_aside(sha256)
        raise


ROUTES = (Route("GET", "/v1/media/{pole}/{sha256}", get_media, "pictures"),)
