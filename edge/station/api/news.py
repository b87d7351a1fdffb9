"""The page's one long poll: alerts and poles that have changed since it last heard of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from aiohttp import web

from edge.serving.page_cache import PageCache
from edge.serving.polls import POLLS
from edge.serving.problems import Problem
from edge.serving.queries import read_parameters, read_seconds, read_whole
from edge.serving.routes import Route
from edge.station.api.answers import answer_body, join
from edge.station.api.context import STATION, StationContext
from edge.station.api.pole_views import VIEWS

ALERTS_MAX = 200
WAIT_S_MAX = 60.0
GATHER_S = 0.1
"""What comes together is told together: a burst is a few answers and not hundreds."""
FAULT_LOOK_S = 1.0
_CHANGE_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Heard:
    """What a page knows already, and how the disk was when it asked."""

    change: int
    poles: int
    fault: str | None


class News:
    """What was made for one page is given to all that know as much: most do."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.pages = PageCache()
        self.turn = asyncio.Lock()


NEWS = web.AppKey("news", News)


def set_up(app: web.Application) -> None:
    """Give an app its news."""
    app[NEWS] = News()


async def get_news(request: web.Request) -> web.Response:
    """Give what has changed, waiting for something if asked to."""
    station, views = request.app[STATION], request.app[VIEWS]
    parameters = read_parameters(request, "after", "poles", "faulty", "wait")
    wait_s = read_seconds(parameters, "wait", most=WAIT_S_MAX)
    newest = station.desk.change
    after = read_whole(parameters, "after", default=newest, least=0, most=_CHANGE_MAX)
    poles = read_whole(parameters, "poles", default=views.change, least=0, most=_CHANGE_MAX)
    if after > newest:
        await _refuse_unknown(station, after)
    fault = station.desk.fault
    is_faulty = int(fault is not None)
    faulty = read_whole(parameters, "faulty", default=is_faulty, least=0, most=1)
    is_news = after < newest or views.has_changed(poles) or faulty != is_faulty
    if wait_s and not is_news:
        await _wait(request, Heard(after, poles, fault), wait_s)
    return answer_body(await _make(request, after, poles))


async def _refuse_unknown(station: StationContext, after: int) -> None:
    """Refuse a change that was never told; one may be read that waiters are not woken for yet.

    Raises:
        Problem: 410.
    """
    if after > (await station.desk.changed(after=after, limit=1)).change:
        raise Problem(410, "after lies beyond the newest change; load /v1/alerts anew")


async def _wait(request: web.Request, heard: Heard, wait_s: float) -> None:
    """Wait for news, and a moment more for what comes with it."""
    station = request.app[STATION]
    poles = request.app[VIEWS].own_change(heard.poles)
    with suppress(TimeoutError):
        async with request.app[POLLS].wait(wait_s):
            await _first_of(
                station.desk.wait_for_change(after=heard.change, timeout_s=wait_s),
                station.links.wait_for_change(after=poles, timeout_s=wait_s),
                _wait_for_fault(station, heard.fault),
            )
            await asyncio.sleep(GATHER_S)


async def _first_of(*waits: Awaitable[object]) -> None:
    """Wait until one of them has ended, and leave the others."""
    ended = asyncio.Event()

    async def watch(wait: Awaitable[object]) -> None:
        await wait
        ended.set()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(watch(wait)) for wait in waits]
        await ended.wait()
        for task in tasks:
            task.cancel()


async def _wait_for_fault(station: StationContext, before: str | None) -> None:
    """Wait until the disk takes nothing any more, or takes something again."""
    while station.desk.fault == before:  # noqa: ASYNC110 - the store tells it to nobody
        await asyncio.sleep(FAULT_LOOK_S)


async def _make(request: web.Request, after: int, poles: int) -> bytes:
    """Make the answer: alerts and poles, each once for all who know as much."""
    station, news, views = request.app[STATION], request.app[NEWS], request.app[VIEWS]
    async with news.turn:
        change = station.desk.change
        alerts = news.pages.find(after, change)
        if alerts is None:
            alerts = await _make_alerts(station, after)
            news.pages.keep(after, change, alerts)
    return b'{%s,"poles":%s,"poles_change":%d,"fault":%s}' % (
        alerts,
        views.changed(poles),
        views.change,
        msgspec.json.encode(station.desk.fault),
    )


async def _make_alerts(station: StationContext, after: int) -> bytes:
    page = await station.desk.changed(after=after, limit=ALERTS_MAX)
    return b'"alerts":%s,"change":%d,"more":%s,"counts":%s' % (
        join(page.bodies),
        page.change if page.next is None else int(page.next),
        b"false" if page.next is None else b"true",
        msgspec.json.encode(await station.desk.counts()),
    )


ROUTES = (Route("GET", "/v1/news", get_news, "read"),)
