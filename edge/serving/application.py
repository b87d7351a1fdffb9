"""Makes an application of routes: every one behind its scope, every error a problem.

A request passes the guard, then who asks is looked at, then its route's own function runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler as AioHandler
from aiohttp.typedefs import Middleware

from edge.config.model import Api
from edge.serving.access import ACCESS, Access
from edge.serving.guard import BODY_BYTES_MAX, check_request
from edge.serving.headers import harden
from edge.serving.link import LINK, Link
from edge.serving.own_names import find_own_names
from edge.serving.problems import explain
from edge.serving.routes import Handler, Route
from edge.serving.traffic import TRAFFIC, Traffic

UNKNOWN_ROUTE = "unknown"
SetUp: TypeAlias = Callable[[web.Application], None]
"""Gives an app what one resource keeps for one server."""


@dataclass(frozen=True, slots=True)
class Names:
    """Where a server is found: `listen` is HOST:PORT, `name` what it is called."""

    listen: str
    name: str


def make_application(
    routes: Sequence[Route],
    set_ups: Sequence[SetUp],
    *,
    access: Access,
    names: Names,
    link: Link,
) -> web.Application:
    """Make the application of one server.

    Args:
        routes: where GET is, HEAD is as well; a handler that streams looks at the method itself.
        set_ups: what resources keep.
        access: who may come in.
        names: where it will be found.
        link: what its answers share.
    """
    on_loopback = names.listen.rpartition(":")[0] in Api.LOOPBACK
    front = _make_front(find_own_names(names.listen, names.name), on_loopback=on_loopback)
    app = web.Application(middlewares=[front], client_max_size=BODY_BYTES_MAX)
    app[ACCESS] = access
    app[TRAFFIC] = Traffic()
    app[LINK] = link
    for set_up in set_ups:
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
        link = request.app[LINK]
        link.admit(link.rank_of(request))
        return await route.handler(request)

    return guarded


def _make_front(names: Collection[str], *, on_loopback: bool) -> Middleware:
    """Make the one middleware: the guard, and around everything the translation of errors."""

    @web.middleware
    async def front(request: web.Request, handler: AioHandler) -> web.StreamResponse:
        route = _route_of(request)
        try:
            check_request(request, names, on_loopback=on_loopback)
            response = await handler(request)
        except Exception as exc:
            if request.writer.output_size > 0:
                raise  # half an answer is out: the connection ends, which the caller notices
            problem = explain(exc, f"{request.method} {route}")
            request.app[ACCESS].count_refusal(request, f"{request.method} {route}", problem)
            response = problem.response()
        request.app[TRAFFIC].count(route, response.status)
        request.app[LINK].note_answer(request, response)
        return response

    return front


def _route_of(request: web.Request) -> str:
    """The route's own pattern; never the address as sent, which may hold anything."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNKNOWN_ROUTE
