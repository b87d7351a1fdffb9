"""Live pictures of one camera, for as long as somebody takes them."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeAlias

from aiohttp import web

from edge.agent.api.camera_asked import find_camera, require_sight
from edge.agent.api.context import POLE
from edge.agent.api.live_desk import LIVE
from edge.agent.api.mp4_codecs import find_codec, head_bytes
from edge.agent.api.picture_hub import SILENCE_S_MAX, PictureHub
from edge.clock import NS_PER_S
from edge.config.model import Camera
from edge.errors import EdgeError, EyeRefused, EyeUnavailable, MediaError
from edge.model import Json
from edge.serving.audit import note_access
from edge.serving.endless import while_served
from edge.serving.link import LINK, LinkSpent, Transfer
from edge.serving.link_budget import Rank
from edge.serving.problems import Problem
from edge.serving.queries import bad_parameter, read_parameters
from edge.serving.routes import Route

MP4_VIEWERS_MAX = 6
"""An eye gives 8 views; the pictures of both streams keep one each, shared by who watches them."""
UNSENT_BYTES = 16 * 1024
SENT_LOOK_S = 0.02
_READ_BYTES = 64 * 1024
_FPS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")
_FPS_MIN, _FPS_MAX = 0.1, 30.0
_BOUNDARY = "frame"
_MJPEG = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
_BREAK = f"\r\n--{_BOUNDARY}\r\n".encode()

_log = logging.getLogger(__name__)

Stream: TypeAlias = Literal["main", "sub"]


async def get_mjpeg(request: web.Request) -> web.StreamResponse:
    """Give pictures one after the other, each as new as the reader's link lets it be."""
    camera = find_camera(request)
    parameters = read_parameters(request, "stream", "fps")
    stream, every_s = _read_stream(parameters, camera), _read_interval_s(parameters)
    response = web.StreamResponse(headers={"Content-Type": _MJPEG})
    if request.method == "HEAD":
        return response
    eyes = request.app[POLE].eyes
    require_sight(eyes.status(camera.name))
    hubs = request.app[LIVE].hubs
    watched = hubs.join(camera.name, stream, lambda: eyes.view(camera.name, "jpeg", stream))
    async with while_served(request), watched as hub:
        with _refused_as_unavailable():
            picture = await hub.wait_for_next(0)
        if picture is None:
            raise _shows_nothing(camera)
        await _note_live(request, camera, form="mjpeg", stream=stream)
        await response.prepare(request)
        await response.write(_BREAK)
        await _send_pictures(request, response, hub=hub, every_s=every_s)
    return response


async def get_mp4(request: web.Request) -> web.StreamResponse:
    """Give the camera's own packets as a fragmented MP4."""
    camera = find_camera(request)
    stream = _read_stream(read_parameters(request, "stream"), camera)
    response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
    if request.method == "HEAD":
        return response
    eyes, desk = request.app[POLE].eyes, request.app[LIVE]
    require_sight(eyes.status(camera.name))
    with desk.seat("mp4", camera.name, most=MP4_VIEWERS_MAX), _refused_as_unavailable():
        async with (
            while_served(request),
            eyes.view(camera.name, "fragments", stream) as view,
        ):
            begun = await _read_head(view, camera)
            if codec := find_codec(begun):
                response.headers["Content-Type"] = f'video/mp4; codecs="{codec}"'
            await _note_live(request, camera, form="mp4", stream=stream)
            await response.prepare(request)
            await response.write(begun)
            with _counted(request) as transfer:
                while block := await _read_on(view):
                    transfer.go_on()
                    await response.write(block)
                    transfer.sent(len(block))
    return response


async def _send_pictures(
    request: web.Request, response: web.StreamResponse, *, hub: PictureHub, every_s: float
) -> None:
    """Send the latest picture whenever the one before has gone, until there are no more.

    What ends a part comes with it, not with the next one, so that readers show it at once.
    """
    clock, number = request.app[POLE].clock, 0
    _keep_short_queue(request)
    try:
        with _counted(request) as transfer:
            while picture := await hub.wait_for_next(number):
                transfer.go_on()
                number, begun_ns = picture.number, clock.monotonic_ns()
                size = len(picture.jpeg)
                head = f"Content-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n"
                await response.write(head.encode() + picture.jpeg + _BREAK)
                transfer.sent(size)
                await _wait_until_sent(request)
                took_s = (clock.monotonic_ns() - begun_ns) / NS_PER_S
                await asyncio.sleep(max(0.0, every_s - took_s))
    except EdgeError as exc:
        _log.warning("live pictures end: %s", exc)


@contextmanager
def _counted(request: web.Request) -> Iterator[Transfer]:
    """Count live pictures as the rest; they end with the link's budget."""
    try:
        with request.app[LINK].transfer(request, Rank.REST) as transfer:
            yield transfer
    except LinkSpent as exc:
        _log.info("live pictures end: %s", exc)


def _keep_short_queue(request: web.Request) -> None:
    """Have the kernel take no more than it can send soon: what waits there can't be skipped."""
    connected = request.get_extra_info("socket")
    if connected is not None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


async def _wait_until_sent(request: web.Request) -> None:
    """Wait until the kernel has taken all, so that nobody's pictures queue up here either."""
    # asyncio tells this to the protocol alone, which is aiohttp's.
    while request.transport is not None and request.transport.get_write_buffer_size():  # noqa: ASYNC110
        await asyncio.sleep(SENT_LOOK_S)


async def _read_head(view: asyncio.StreamReader, camera: Camera) -> bytes:
    """Read until the head of the MP4 is whole.

    Raises:
        EyeUnavailable: nothing comes.
        MediaError: it is none.
    """
    begun = b""
    try:
        while head_bytes(begun) is None:
            block = await _read_on(view)
            if not block:
                raise _shows_nothing(camera)
            begun += block
    except ValueError as exc:
        raise MediaError(f"{camera.name}: its eye sends {exc}") from exc
    return begun


async def _read_on(view: asyncio.StreamReader) -> bytes:
    """Read what has come; nothing once the eye has hung up or shown nothing for long."""
    try:
        async with asyncio.timeout(SILENCE_S_MAX):
            return await view.read(_READ_BYTES)
    except (TimeoutError, OSError):
        return b""


@contextmanager
def _refused_as_unavailable() -> Iterator[None]:
    """An eye refuses a view when there are enough of them: it may grant one later."""
    try:
        yield
    except EyeRefused as exc:
        raise Problem(503, str(exc), headers={"Retry-After": "10"}) from exc


async def _note_live(request: web.Request, camera: Camera, *, form: str, stream: Stream) -> None:
    said: dict[str, Json] = {"form": form, "stream": stream}
    await note_access(request, what="live", camera=camera.name, data=said)


def _shows_nothing(camera: Camera) -> EyeUnavailable:
    return EyeUnavailable(f"{camera.name}: no picture within {SILENCE_S_MAX:.0f} s; see /v1/health")


def _read_stream(parameters: Mapping[str, str], camera: Camera) -> Stream:
    """The sub stream where there is one: what is watched live crosses a thin link."""
    asked = parameters.get("stream", "sub" if camera.sub else "main")
    if asked == "main":
        return "main"
    if asked == "sub" and camera.sub:
        return "sub"
    remedy = "main or sub" if camera.sub else "main; this camera has no other"
    raise bad_parameter("stream", f"is not {remedy}")


def _read_interval_s(parameters: Mapping[str, str]) -> float:
    """Least seconds between two pictures; 0 for as fast as they come."""
    text = parameters.get("fps")
    if text is None:
        return 0.0
    if not _FPS.fullmatch(text) or not _FPS_MIN <= float(text) <= _FPS_MAX:
        raise bad_parameter("fps", f"is not a number from {_FPS_MIN:g} to {_FPS_MAX:g}")
    return 1.0 / float(text)


ROUTES = (
    Route("GET", "/v1/cameras/{name}/live.mjpg", get_mjpeg, "pictures"),
    Route("GET", "/v1/cameras/{name}/live.mp4", get_mp4, "pictures"),
)
