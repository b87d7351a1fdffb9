"""Answers in JSON, and which pole and alert a request is about."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from aiohttp import web

from edge.model import Json
from edge.serving.problems import Problem
from edge.station.api.context import STATION

CONTENT_TYPE = "application/json"
_NAME_CHARS_MAX = 64
"""Of poles and of alerts; what is longer is none."""


def answer_json(value: Json, *, status: int = 200) -> web.Response:
    """Answer with a value."""
    return answer_body(msgspec.json.encode(value), status=status)


def answer_body(body: bytes, *, status: int = 200) -> web.Response:
    """Answer with what is JSON already."""
    return web.Response(status=status, body=body, content_type=CONTENT_TYPE)


def join(bodies: Iterable[bytes]) -> bytes:
    """Make an array of values that are JSON already."""
    return b"[" + b",".join(bodies) + b"]"


def find_pole(request: web.Request) -> str:
    """Give the pole that the path names, one of the configuration.

    Raises:
        Problem: 404.
    """
    pole = request.match_info["pole"]
    if pole in request.app[STATION].links.names:
        return pole
    raise Problem(404, "there is no such pole; /v1/poles lists those there are")


async def find_alert(request: web.Request) -> bytes:
    """Give the alert that the path names, of a pole or of the station itself.

    Raises:
        Problem: 404.
    """
    body = await look_up_alert(request, request.match_info["pole"], request.match_info["id"])
    if body is None:
        raise Problem(404, "there is no such alert; /v1/alerts?state=all lists those there are")
    return body


async def look_up_alert(request: web.Request, pole: str, alert: str) -> bytes | None:
    """Give an alert, also of a pole that is pulled no longer; None where there is none."""
    is_one = len(pole) <= _NAME_CHARS_MAX and len(alert) <= _NAME_CHARS_MAX
    return await request.app[STATION].desk.alert(pole, alert) if is_one else None
