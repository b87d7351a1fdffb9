"""Every pole's records in the order in which they came here, for programs that go on from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from edge.clock import NS_PER_S
from edge.feeds import FEEDS, Feed
from edge.serving.audit import note_access
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


class Noted:
    """Who was put on record for what, and when; as many as there are users and feeds."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._until_ns: dict[tuple[str, Feed], int] = {}

    def take_due(self, caller: Caller, feeds: Sequence[Feed], now_ns: int) -> list[Feed]:
        """Give those feeds for which a caller is to be put on record now."""
        keys = [(caller.name, feed) for feed in feeds]
        due = [key for key in keys if self._until_ns.get(key, now_ns) <= now_ns]
        for key in due:
            self._until_ns[key] = now_ns + NOTED_FOR_S * NS_PER_S
        return [feed for _, feed in due]


NOTED = web.AppKey("noted", Noted)


def set_up(app: web.Application) -> None:
    """Give an app its list of who is on record."""
    app[NOTED] = Noted()


async def get_feed(request: web.Request) -> web.Response:
    """Give the records after a number, waiting for some if asked to."""
    station = request.app[STATION]
    asked = _read_asked(request)
    due = request.app[NOTED].take_due(request[CALLER], asked.feeds, station.clock.monotonic_ns())
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
