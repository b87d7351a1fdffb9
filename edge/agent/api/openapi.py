"""The API's own description, for whoever writes a client; the file beside this one."""

from __future__ import annotations

import functools
from importlib import resources

from aiohttp import web

from edge.serving.queries import read_parameters
from edge.serving.routes import Public, Route

FILE_NAME = "openapi.json"


@functools.cache
def load_description() -> bytes:
    """Read the description, once: it is part of the program."""
    return resources.files(__package__).joinpath(FILE_NAME).read_bytes()


async def get_description(request: web.Request) -> web.Response:
    """Give the description as it is."""
    read_parameters(request)
    return web.Response(body=load_description(), content_type="application/json")


ROUTES = (
    Route(
        "GET",
        "/v1/openapi.json",
        get_description,
        Public("it is the same on every pole and says nothing of this one"),
    ),
)
