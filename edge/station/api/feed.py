"""Every pole's records in the order in which they came here, for programs that go on from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from edge.feeds import FEEDS, Feed
from edge.serving.audit import note_access
from edge.serving.noted import NOTED, Noted
from edge.serving.polls import POLLS
from edge.serving.problems import Problem
from edge.serving.queries import bad_parameter, read_parameters, read_seconds, read_whole
from edge.serving.routes import CALLER, Caller, Route
from edge.station.api.context import STATION
from edge.station.arrival_line import encode_line
from edge.station.ports.arrivals import Arrival, Arrivals

CONTENT_TYPE = "application/x-ndjson"
LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
WAIT_S_MAX = 60.0
NOTED_FOR_S = 900
"""A program that follows the feed is on record four times an hour, not with each poll."""
_NUMBER_MAX = 2**53
_FEED_OF: Mapping[str, Feed] = {feed: feed for feed in FEEDS}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records a caller wants."""

    after: int
    feeds: tuple[Feed, ...]
    limit: int
    wait_s: float


def set_up(app: web.Application) -> None:
    """Give an app its list of who is on record."""
    app[NOTED] = Noted(NOTED_FOR_S)


async def get_feed(request: web.Request) -> web.Response:
    """Give the records after a number, waiting for some if asked to."""
    station = request.app[STATION]
    asked = _read_asked(request)
    if asked.after > station.arrivals.newest:
        await _refuse_unknown(station.arrivals, asked.after)
    name, now_ns = request[CALLER].name, station.clock.monotonic_ns()
    due = request.app[NOTED].take_due(name, asked.feeds, now_ns)
    if due:
        await note_access(request, what="feed", data={"feeds": list(due), "after": asked.after})
    found = await _read(station.arrivals, asked)
    if asked.wait_s and not found:
        with suppress(TimeoutError):
            async with request.app[POLLS].wait(asked.wait_s):
                found = await _wait_for_some(station.arrivals, asked)
    following = found[-1].number if found else asked.after
    return web.Response(
        body=b"".join(map(encode_line, found)),
        content_type=CONTENT_TYPE,
        headers={"Polewatch-Next": str(following)},
    )


async def _refuse_unknown(arrivals: Arrivals, after: int) -> None:
    """Refuse a number that was never told; one may be read that waiters are not woken for yet.

    Raises:
        Problem: 410.
    """
    if not await arrivals.arrivals(after=after - 1, feeds=FEEDS, limit=1):
        newest = arrivals.newest
        detail = (
            f"after lies beyond the newest record, {newest}: the store was made anew or put back;"
            " begin again with after=0"
        )
        raise Problem(410, detail, fields={"newest": newest})


def _read_asked(request: web.Request) -> Asked:
    parameters = read_parameters(request, "after", "limit", "wait", "feed")
    after = read_whole(parameters, "after", default=0, least=0, most=_NUMBER_MAX)
    limit = read_whole(parameters, "limit", default=LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    wait_s = read_seconds(parameters, "wait", most=WAIT_S_MAX)
    return Asked(after, _read_feeds(parameters, request[CALLER]), limit, wait_s)


def _read_feeds(parameters: Mapping[str, str], caller: Caller) -> tuple[Feed, ...]:
    """Give the feeds that are asked for; without a word all that the caller may have."""
    is_admin = "admin" in caller.scopes
    text = parameters.get("feed")
    if text is None:
        return tuple(feed for feed in FEEDS if is_admin or feed != "audit")
    names = dict.fromkeys(text.split(","))
    if not all(name in _FEED_OF for name in names):
        raise bad_parameter("feed", f"is not one or several of {','.join(FEEDS)}")
    if "audit" in names and not is_admin:
        raise Problem(403, "the feed audit needs the scope admin; ask a supervisor")
    return tuple(_FEED_OF[name] for name in names)


async def _read(arrivals: Arrivals, asked: Asked) -> list[Arrival]:
    return await arrivals.arrivals(after=asked.after, feeds=asked.feeds, limit=asked.limit)


async def _wait_for_some(arrivals: Arrivals, asked: Asked) -> list[Arrival]:
    """Wait behind the newest record of any feed until there are some that are asked for."""
    while True:
        newest = arrivals.newest
        if found := await _read(arrivals, asked):
            return found
        await arrivals.wait_for_arrival(after=newest, timeout_s=asked.wait_s)
        await asyncio.sleep(0)


ROUTES = (Route("GET", "/v1/feed", get_feed, "read"),)
