"""What a camera shows now, passed through from its pole while it comes."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from edge.errors import PoleError
from edge.model import Json
from edge.serving.audit import note_access
from edge.serving.endless import while_served
from edge.serving.layouts import FILE_POLICY
from edge.serving.problems import Problem
from edge.serving.queries import bad_parameter, read_parameters
from edge.serving.routes import CALLER, Handler, Route
from edge.station.api.answers import find_pole
from edge.station.api.context import STATION
from edge.station.api.passing import open_answer, read_on
from edge.station.ports.links import LiveAnswer, Stream

_CAMERA = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""As a pole's configuration has them: nothing that could be another path."""
_VALUE = re.compile(r"[A-Za-z0-9:.+-]{1,40}")
_PASSED = ("Polewatch-At", "Polewatch-From", "Polewatch-To")
_MOMENT = re.compile(r"[0-9TZ:.+-]{1,40}")
_LENGTH = re.compile(r"[0-9]{1,12}")
PERSON_VIEWS_MAX = 8
"""Whoever opens all that there are must leave some to the duty desk."""
VIEWERS = web.AppKey("viewers", Counter[str])
_log = logging.getLogger(__name__)


def set_up(app: web.Application) -> None:
    """Give an app its count of who looks."""
    app[VIEWERS] = Counter()


@asynccontextmanager
async def _one_of_few(request: web.Request) -> AsyncIterator[None]:
    """Count the block as a view of the caller's.

    Raises:
        Problem: 503, this one has enough.
    """
    viewers, name = request.app[VIEWERS], request[CALLER].name
    if viewers[name] >= PERSON_VIEWS_MAX:
        detail = f"{PERSON_VIEWS_MAX} views of {name}'s are open; close one of them"
        raise Problem(503, detail, headers={"Retry-After": "10"})
    viewers[name] += 1
    try:
        yield
    finally:
        viewers[name] -= 1


@dataclass(frozen=True, slots=True)
class Offer:
    """Something of a camera: what it is called in the audit, its parameters and its type.

    `type` is all that the pole may say it is: what it sends is never run by a browser.
    """

    name: str
    what: str
    parameters: tuple[str, ...]
    type: re.Pattern[str]
    plain_type: str


_OFFERS = (
    Offer("snapshot.jpg", "snapshot", ("at",), re.compile("image/jpeg"), "image/jpeg"),
    Offer("live.mjpg", "live", ("stream", "fps"),
          re.compile(r"multipart/x-mixed-replace; ?boundary=[A-Za-z0-9_-]{1,40}"),
          "multipart/x-mixed-replace"),
    Offer("live.mp4", "live", ("stream",),
          re.compile(r'video/mp4(; ?codecs="[A-Za-z0-9., ]{1,60}")?'), "video/mp4"),
    Offer("clip", "clip", ("from", "to"), re.compile("video/mp4"), "video/mp4"),
)  # fmt: skip


def _pass(offer: Offer) -> Handler:
    async def get_view(request: web.Request) -> web.StreamResponse:
        pole, camera = _find_camera(request)
        query = _read_query(request, offer)
        if request.method == "HEAD":
            return web.StreamResponse(headers={"Content-Type": offer.plain_type})
        opening = open_answer(request, pole, f"{camera}/{offer.name}", query)
        async with _one_of_few(request), opening as stream:
            response = _make_response(pole, offer, stream.answer)
            if offer.name == "clip":
                name = f"{pole}-{camera}.mp4"
                response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
            said: dict[str, Json] = {"pole": pole, "form": offer.name, **query}
            await note_access(request, what=offer.what, camera=camera, data=said)
            async with while_served(request):
                await response.prepare(request)
                await _pass_on(request, response, stream)
        return response

    return get_view


def _find_camera(request: web.Request) -> tuple[str, str]:
    """Give pole and camera that the path names.

    Raises:
        Problem: 404.
    """
    pole, camera = find_pole(request), request.match_info["camera"]
    known = request.app[STATION].links.view(pole).cameras
    if camera not in known or not _CAMERA.fullmatch(camera):
        raise Problem(404, f"{pole} has told of no such camera; /v1/poles/{pole} lists them")
    return pole, camera


def _read_query(request: web.Request, offer: Offer) -> Mapping[str, str]:
    """Give the parameters, of which only the pole knows what they can be."""
    parameters = read_parameters(request, *offer.parameters)
    for name, value in parameters.items():
        if not _VALUE.fullmatch(value):
            raise bad_parameter(name, "can't be meant; see docs/ref/station-api.md")
    return dict(parameters)


def _make_response(pole: str, offer: Offer, answer: LiveAnswer) -> web.StreamResponse:
    """Begin an answer with those of the pole's headers that are what they should be.

    Raises:
        Problem: 502, it says that it sends something else.
    """
    said = {name.lower(): value for name, value in answer.headers.items()}
    kind = said.get("content-type", "")
    if not offer.type.fullmatch(kind):
        raise Problem(502, f"{pole} sends something else than {offer.plain_type}")
    headers = {"Content-Type": kind, "Content-Security-Policy": FILE_POLICY}
    for name in _PASSED:
        value = said.get(name.lower(), "")
        if _MOMENT.fullmatch(value):
            headers[name] = value
    response = web.StreamResponse(headers=headers)
    length = said.get("content-length", "")
    if _LENGTH.fullmatch(length):
        response.content_length = int(length)
    return response


async def _pass_on(request: web.Request, response: web.StreamResponse, stream: Stream) -> None:
    """Send what comes; where the pole goes midway the connection is cut, which its reader sees."""
    left = response.content_length
    try:
        while block := await read_on(stream):
            if left is not None:
                block = block[:left]
                left -= len(block)
            await response.write(block)
            if left == 0:
                return
        if left:
            raise PoleError(f"{left} bytes are missing")
    except PoleError as exc:
        _log.warning("pole went midway: path=%s reason=%s", request.path, exc)
        if request.transport is not None:
            request.transport.abort()


ROUTES = tuple(
    Route("GET", f"/v1/poles/{{pole}}/cameras/{{camera}}/{offer.name}", _pass(offer), "pictures")
    for offer in _OFFERS
)
