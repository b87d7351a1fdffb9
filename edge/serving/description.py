"""An API's own description, for whoever writes a client: a file of its package."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from aiohttp import web

from edge.serving.queries import read_parameters
from edge.serving.routes import Handler, Public, Route

FILE_NAME = "openapi.json"


def load_description(package: str) -> bytes:
    """Read the description that lies in a package."""
    return resources.files(package).joinpath(FILE_NAME).read_bytes()


def describe(load: Callable[[], bytes], why: str) -> Route:
    """Make the route that gives a description as it is.

    Args:
        load: gives it.
        why: everybody may have it.
    """
    return Route("GET", "/v1/openapi.json", _give(load), Public(why))


def _give(load: Callable[[], bytes]) -> Handler:
    async def get_description(request: web.Request) -> web.Response:
        read_parameters(request)
        return web.Response(body=load(), content_type="application/json")

    return get_description
