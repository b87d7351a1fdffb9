"""The page signs in: a token becomes a cookie that no script can read."""

from __future__ import annotations

import msgspec
from aiohttp import web

from edge.model import Json
from edge.serving.access import ACCESS, check_origin, cookie_name, unknown_caller
from edge.serving.problems import Problem
from edge.serving.queries import read_parameters
from edge.serving.routes import CALLER, Caller, Public, Route
from edge.serving.sessions import SESSION_S


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a sign-in."""

    token: str


async def begin_session(request: web.Request) -> web.Response:
    """Begin a session for the token in the body; answers as GET does, with the cookie."""
    access = request.app[ACCESS]
    if "Authorization" in request.headers:
        access.identify(request)
    if "Origin" in request.headers:
        check_origin(request)
    text = await _read_token(request)
    caller = request[CALLER] = access.know(text, request)
    read_parameters(request)
    response = _describe(caller)
    cookie = await access.begin_session(text, caller)
    response.set_cookie(
        cookie_name(request), cookie, max_age=SESSION_S, path="/",
        httponly=True, samesite="Strict", secure=request.secure,
    )  # fmt: skip
    return response


async def show_session(request: web.Request) -> web.Response:
    """Say what the caller's token allows, whichever way it is shown."""
    caller = _identify(request)
    read_parameters(request)
    return _describe(caller)


async def end_session(request: web.Request) -> web.Response:
    """End the caller's session; a token without one has nothing to end, and that is well too."""
    caller = _identify(request)
    read_parameters(request)
    name = cookie_name(request)
    await request.app[ACCESS].end_session(request.cookies.get(name, ""), caller)
    response = web.Response(status=204)
    response.set_cookie(
        name, "", max_age=0, path="/", httponly=True, samesite="Strict", secure=request.secure
    )
    return response


def _identify(request: web.Request) -> Caller:
    caller = request.app[ACCESS].identify(request)
    if caller is None:
        raise unknown_caller("nobody is signed in; post a token to /v1/session")
    return caller


async def _read_token(request: web.Request) -> str:
    raw = await request.read()
    if raw and request.content_type != "application/json":
        raise Problem(415, "the body must be JSON; send it with Content-Type: application/json")
    try:
        return msgspec.json.decode(raw, type=SignIn).token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise unknown_caller('the body must be {"token":"pw_…"}') from exc


def _describe(caller: Caller) -> web.Response:
    said: dict[str, Json] = {
        "name": caller.name,
        "scopes": sorted(caller.scopes),
        "cameras": None if caller.cameras is None else sorted(caller.cameras),
    }
    return web.Response(body=msgspec.json.encode(said), content_type="application/json")


_WHY = "it looks at the token itself, since any scope will do"
ROUTES = (
    Route("POST", "/v1/session", begin_session, Public(_WHY)),
    Route("GET", "/v1/session", show_session, Public(_WHY)),
    Route("DELETE", "/v1/session", end_session, Public(_WHY)),
)
