"""Cameras: what there is, a still of one, and a clip of what its ring still holds."""

from __future__ import annotations

import logging
import re

import msgspec
from aiohttp import web

from edge.agent.api.camera_asked import (
    find_camera,
    require_sight,
    without_addresses,
)
from edge.agent.api.camera_desk import CameraDesk, read_on
from edge.agent.api.context import POLE
from edge.agent.ports import AskedFile, EyeStatus
from edge.config.model import Camera
from edge.errors import MediaError
from edge.model import Json
from edge.serving.audit import note_access
from edge.serving.endless import while_served
from edge.serving.moments import read_moment
from edge.serving.queries import bad_parameter, read_parameters
from edge.serving.routes import CALLER, Route
from edge.wire import format_utc

CLIP_S_MAX = 600.0
"""No ring holds as much: who asks for more takes it for an archive."""
_READ_BYTES = 256 * 1024
_LINKS = {
    "self": "",
    "snapshot": "/snapshot.jpg",
    "mjpeg": "/live.mjpg",
    "mp4": "/live.mp4",
    "clip": "/clip",
    "tracks": "/tracks",
}
_log = logging.getLogger(__name__)

DESK = web.AppKey("cameras", CameraDesk)


def set_up(app: web.Application) -> None:
    """Give an app its desk."""
    app[DESK] = CameraDesk(app[POLE].eyes)


async def get_cameras(request: web.Request) -> web.Response:
    """List the cameras that the caller may see, as configured."""
    read_parameters(request)
    pole, caller = request.app[POLE], request[CALLER]
    items = [
        describe(camera, pole.eyes.status(camera.name))
        for camera in pole.config.cameras
        if caller.may_see(camera.name)
    ]
    return _answer({"items": items})


async def get_camera(request: web.Request) -> web.Response:
    """Describe one camera."""
    camera = find_camera(request)
    read_parameters(request)
    return _answer(describe(camera, request.app[POLE].eyes.status(camera.name)))


def describe(camera: Camera, status: EyeStatus) -> dict[str, Json]:
    """Say what a camera is and what it does now; never where it is or how one logs in there."""
    source, path = status.source, f"/v1/cameras/{camera.name}"
    return {
        "name": camera.name,
        "kind": camera.kind,
        "watch": camera.watch,
        "state": status.state,
        "reason": without_addresses(status.reason),
        "since": format_utc(status.since_ms),
        "width": source.width if source else None,
        "height": source.height if source else None,
        "fps": source.fps if source else None,
        "codec": source.codec if source else None,
        "gop_s": source.gop_s if source else None,
        "awake": status.sight.awake if status.sight else False,
        "streams": ["main", "sub"] if camera.sub else ["main"],
        "zones": [{"name": zone.name, "points": _points(zone.points)} for zone in camera.zones],
        "lines": [
            {"name": line.name, "from": list(line.start), "to": list(line.end)}
            for line in camera.lines
        ],
        "privacy": [_points(polygon) for polygon in camera.privacy],
        "links": {name: path + rest for name, rest in _LINKS.items()},
    }


async def get_snapshot(request: web.Request) -> web.StreamResponse:
    """Give a still of now, or of a moment that is still in the ring."""
    camera = find_camera(request)
    at = read_parameters(request, "at").get("at")
    at_ms = None if at is None else read_moment(at, "at")
    if request.method == "HEAD":
        return web.StreamResponse(headers={"Content-Type": "image/jpeg"})
    if at_ms is None:
        require_sight(request.app[POLE].eyes.status(camera.name))
    still = await request.app[DESK].take_still(camera.name, at_ms)
    moment = format_utc(still.at_ms)
    await note_access(request, what="snapshot", camera=camera.name, data={"at": moment})
    headers = {"Polewatch-At": moment}
    return web.Response(body=still.jpeg, content_type="image/jpeg", headers=headers)


async def get_clip(request: web.Request) -> web.StreamResponse:
    """Give a clip of a span of time, as far as the ring has it."""
    camera = find_camera(request)
    parameters = read_parameters(request, "from", "to")
    from_ms, to_ms = (_read_end(parameters.get(name), name) for name in ("from", "to"))
    if to_ms <= from_ms:
        raise bad_parameter("to", "is not after from; give the earlier moment as from")
    if to_ms - from_ms > CLIP_S_MAX * 1000:
        remedy = "the ring holds less; what an alert recorded is at /v1/alerts"
        raise bad_parameter("to", f"is more than {CLIP_S_MAX:.0f} s after from; {remedy}")
    if request.method == "HEAD":
        return web.StreamResponse(headers={"Content-Type": "video/mp4"})
    async with request.app[DESK].open_clip(camera.name, from_ms=from_ms, to_ms=to_ms) as clip:
        asked: dict[str, Json] = {"from": format_utc(from_ms), "to": format_utc(to_ms)}
        await note_access(request, what="clip", camera=camera.name, data=asked)
        response = web.StreamResponse(headers=_clip_headers(camera, clip))
        response.content_length = clip.size_bytes
        async with while_served(request):
            await response.prepare(request)
            await _send_file(request, response, clip)
        return response


async def _send_file(request: web.Request, response: web.StreamResponse, clip: AskedFile) -> None:
    """Send all that was announced, or cut the connection, which the reader notices."""
    left = clip.size_bytes
    try:
        while left:
            block = await read_on(clip.file, min(left, _READ_BYTES))
            if not block:
                raise MediaError("a clip is shorter than its eye said; ask for it again")
            await response.write(block)
            left -= len(block)
    except MediaError as exc:
        _log.warning("clip cut off: %s", exc)
        if request.transport is not None:
            request.transport.abort()


def _clip_headers(camera: Camera, clip: AskedFile) -> dict[str, str]:
    """Name the clip by what it really shows, which may be less than was asked for."""
    first, last = format_utc(clip.from_ms), format_utc(clip.to_ms)
    plain = re.sub("[-:.]", "", f"{first}_{last}")
    return {
        "Content-Type": "video/mp4",
        "Content-Disposition": f'attachment; filename="{camera.name}_{plain}.mp4"',
        "Polewatch-From": first,
        "Polewatch-To": last,
    }


def _read_end(text: str | None, name: str) -> int:
    if text is None:
        raise bad_parameter(name, "is missing; give from and to, both RFC 3339")
    return read_moment(text, name)


def _points(polygon: tuple[tuple[float, float], ...]) -> list[Json]:
    return [list(point) for point in polygon]


def _answer(body: dict[str, Json]) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


ROUTES = (
    Route("GET", "/v1/cameras", get_cameras, "read"),
    Route("GET", "/v1/cameras/{name}", get_camera, "read"),
    Route("GET", "/v1/cameras/{name}/snapshot.jpg", get_snapshot, "pictures"),
    Route("GET", "/v1/cameras/{name}/clip", get_clip, "pictures"),
)
