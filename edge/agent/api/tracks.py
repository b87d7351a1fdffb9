"""The live tracks of one camera, for boxes over its picture."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from edge.agent.api.camera_asked import SHOWING, find_camera
from edge.agent.api.context import POLE, Pole
from edge.agent.api.live_desk import LIVE
from edge.agent.ports import Eyes
from edge.clock import NS_PER_S
from edge.model import Json
from edge.serving.endless import while_served
from edge.serving.queries import read_parameters
from edge.serving.routes import Route
from edge.wire import format_utc

READERS_MAX = 32
EVENT_EVERY_S = 0.1
"""Ten analysed frames a second are the most; their boxes go out together."""
LOOK_EVERY_S = 1.0
"""What fell between two waits is found this soon."""
KEEP_ALIVE_S = 15.0


async def get_tracks(request: web.Request) -> web.StreamResponse:
    """Tell of the live tracks, all of them whenever one changes, as server-sent events."""
    camera = find_camera(request)
    read_parameters(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    if request.method == "HEAD":
        return response
    with request.app[LIVE].seat("tracks", camera.name, most=READERS_MAX):
        async with while_served(request):
            await response.prepare(request)
            await _send_tracks(request.app[POLE], response, camera.name)
    return response


async def _send_tracks(pole: Pole, response: web.StreamResponse, name: str) -> None:
    told: list[Json] | None = None
    told_ns = pole.clock.monotonic_ns()
    while True:
        tracks = _live_tracks(pole.eyes, name)
        now_ns = pole.clock.monotonic_ns()
        if tracks != told:
            event: Json = {"at": format_utc(pole.clock.utc_ms()), "tracks": tracks}
            told, told_ns = tracks, now_ns
            await response.write(b"data: " + msgspec.json.encode(event) + b"\n\n")
            await asyncio.sleep(EVENT_EVERY_S)
        elif now_ns - told_ns >= KEEP_ALIVE_S * NS_PER_S:
            told_ns = now_ns
            await response.write(b": still there\n\n")
        else:
            await pole.eyes.wait_for_tracks(name, timeout_s=LOOK_EVERY_S)


def _live_tracks(eyes: Eyes, name: str) -> list[Json]:
    """What is followed now; nothing while the camera gives no pictures."""
    if eyes.status(name).state not in SHOWING:
        return []
    return [
        {
            "track": track.track,
            "label": track.label,
            "box": list(track.box),
            "stationary": track.stationary,
        }
        for track in eyes.tracks(name)
    ]


ROUTES = (Route("GET", "/v1/cameras/{name}/tracks", get_tracks, "read"),)
