"""What a caller asks for besides the path: parameters and JSON bodies, each fault by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from edge.serving.problems import Problem

_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?")
_NAME_SHOWN_MAX = 40

_Body = TypeVar("_Body", bound=msgspec.Struct)


def read_parameters(request: web.Request, *known: str) -> Mapping[str, str]:
    """Give the parameters of a request.

    Raises:
        Problem: 400, one that is not known here, or that stands there twice.
    """
    query = request.query
    for name in query:
        if name not in known:
            offered = f"what is known is {', '.join(known)}" if known else "there are none here"
            raise bad_parameter(ascii(name)[1:-1][:_NAME_SHOWN_MAX], f"is not known; {offered}")
        if len(query.getall(name)) > 1:
            raise bad_parameter(name, "stands there more than once; give it once")
    return query


def read_whole(
    parameters: Mapping[str, str], name: str, *, default: int, least: int, most: int
) -> int:
    """Give a parameter that is a whole number.

    Raises:
        Problem: 400, it is none or out of bounds.
    """
    text = parameters.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise bad_parameter(name, f"is not a whole number from {least} to {most}")
    return int(text)


def read_seconds(parameters: Mapping[str, str], name: str, *, most: float) -> float:
    """Give a parameter that is a time in seconds, 0 where it is not there; fractions are welcome.

    Raises:
        Problem: 400, it is none or out of bounds.
    """
    text = parameters.get(name, "0")
    if not _DECIMAL.fullmatch(text) or not 0 <= float(text) <= most:
        raise bad_parameter(name, f"is not a number of seconds from 0 to {most:g}")
    return float(text)


def bad_parameter(name: str, problem: str) -> Problem:
    """Say what is wrong with a parameter."""
    return Problem(400, f"{name} {problem}", fields={"parameter": name})


async def read_body(request: web.Request, kind: type[_Body]) -> _Body:
    """Understand a JSON body; an empty one is an object without members.

    Raises:
        Problem: 415 where it is said to be something else, 400 where it is not what is asked for.
    """
    raw = await request.read()
    if raw and request.content_type != "application/json":
        raise Problem(415, "the body must be JSON; send it with Content-Type: application/json")
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Problem(400, f"the body is not what is asked for: {ascii(str(exc))[1:-1]}") from exc
