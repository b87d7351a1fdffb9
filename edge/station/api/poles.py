"""The poles: how each is reached, how it says it is, and its cameras in its own words."""

from __future__ import annotations

import msgspec
from aiohttp import web

from edge.serving.problems import Problem
from edge.serving.queries import read_parameters
from edge.serving.routes import Route
from edge.station.api.answers import answer_body, find_pole, join
from edge.station.api.context import STATION
from edge.station.api.passing import open_answer, read_whole_answer
from edge.station.api.pole_views import VIEWS


async def get_poles(request: web.Request) -> web.Response:
    """List the poles, as configured."""
    read_parameters(request)
    views = request.app[VIEWS]
    change = views.change
    bodies = [views.body(pole) for pole in request.app[STATION].links.names]
    return answer_body(b'{"items":%s,"change":%d}' % (join(bodies), change))


async def get_pole(request: web.Request) -> web.Response:
    """Give one pole."""
    read_parameters(request)
    return answer_body(request.app[VIEWS].body(find_pole(request)))


async def get_cameras(request: web.Request) -> web.Response:
    """Give what a pole answers when it is asked for its cameras now."""
    read_parameters(request)
    pole = find_pole(request)
    async with open_answer(request, pole, "", {}) as stream:
        body = await read_whole_answer(pole, stream)
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Problem(502, f"{pole} does not answer as a pole does; see its troubles") from exc
    return answer_body(body)


ROUTES = (
    Route("GET", "/v1/poles", get_poles, "read"),
    Route("GET", "/v1/poles/{pole}", get_pole, "read"),
    Route("GET", "/v1/poles/{pole}/cameras", get_cameras, "read"),
)
