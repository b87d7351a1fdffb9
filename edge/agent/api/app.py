"""The API as one application: every route behind its scope, every error a problem.

A request passes the guard, then who asks is looked at, then its route's own function runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler as AioHandler
from aiohttp.typedefs import Middleware

from edge.agent.api import (
    alerts,
    cameras,
    feeds,
    live,
    live_desk,
    media,
    metrics,
    openapi,
    page,
    polls,
    sign_in,
    tracks,
)
from edge.agent.api import pole as pole_resource
from edge.agent.api.access import ACCESS, Access
from edge.agent.api.context import POLE, Pole
from edge.agent.api.guard import BODY_BYTES_MAX, check_request
from edge.agent.api.headers import harden
from edge.agent.api.problems import explain
from edge.agent.api.routes import Handler, Route
from edge.agent.api.traffic import TRAFFIC, Traffic
from edge.agent.serving.own_names import find_own_names
from edge.config.model import Api

ALL_ROUTES: tuple[Route, ...] = (
    *page.ROUTES,
    *sign_in.ROUTES,
    *pole_resource.ROUTES,
    *metrics.ROUTES,
    *feeds.ROUTES,
    *media.ROUTES,
    *alerts.ROUTES,
    *cameras.ROUTES,
    *live.ROUTES,
    *tracks.ROUTES,
    *openapi.ROUTES,
)
"""Every route of the pole: the resources' own, one line each."""
UNKNOWN_ROUTE = "unknown"
SetUp: TypeAlias = Callable[[web.Application], None]
_SET_UPS: tuple[SetUp, ...] = (
    page.set_up,
    polls.set_up,
    alerts.set_up,
    media.set_up,
    cameras.set_up,
    live_desk.set_up,
)
"""What resources keep for one server, one line each."""


def make_app(pole: Pole, routes: Sequence[Route] = ALL_ROUTES) -> web.Application:
    """Make the application of one server.

    Args:
        pole: what its handlers work with.
        routes: where GET is, HEAD is as well; a handler that streams looks at the method itself.
    """
    app = web.Application(middlewares=[_make_front(pole)], client_max_size=BODY_BYTES_MAX)
    app[POLE] = pole
    app[ACCESS] = Access(pole)
    app[TRAFFIC] = Traffic()
    for set_up in _SET_UPS:
        set_up(app)
    paths = {(route.method, route.path) for route in routes}
    for route in routes:
        guarded = _behind_access(route)
        app.router.add_route(route.method, route.path, guarded)
        if route.method == "GET" and ("HEAD", route.path) not in paths:
            app.router.add_route("HEAD", route.path, guarded)
    app.on_response_prepare.append(_harden)
    return app


async def _harden(_request: web.BaseRequest, response: web.StreamResponse) -> None:
    """See `harden`."""
    harden(response)


def _behind_access(route: Route) -> Handler:
    """There is no other way for a route into the application."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        request.app[ACCESS].authorise(request, route.needs)
        return await route.handler(request)

    return guarded


def _make_front(pole: Pole) -> Middleware:
    """Make the one middleware: the guard, and around everything the translation of errors."""
    names = find_own_names(pole.config)
    on_loopback = pole.config.api.listen.rpartition(":")[0] in Api.LOOPBACK

    @web.middleware
    async def front(request: web.Request, handler: AioHandler) -> web.StreamResponse:
        route = _route_of(request)
        try:
            check_request(request, names, on_loopback=on_loopback)
            response = await handler(request)
        except Exception as exc:
            if request.writer.output_size > 0:
                raise  # half an answer is out: the connection ends, which the caller notices
            response = explain(exc, f"{request.method} {route}").response()
        request.app[TRAFFIC].count(route, response.status)
        return response

    return front


def _route_of(request: web.Request) -> str:
    """The route's own pattern; never the address as sent, which may hold anything."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNKNOWN_ROUTE
