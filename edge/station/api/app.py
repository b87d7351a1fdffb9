"""The API as one application: the routes of all resources, and what they keep for one server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from edge.serving import media_answer, page, polls, sign_in
from edge.serving.access import Access
from edge.serving.application import Names, SetUp, make_application
from edge.serving.audit import AUDIT, AuditBook
from edge.serving.link import Link
from edge.serving.link_budget import Rank
from edge.serving.routes import Route
from edge.station.api import (
    alerts,
    feed,
    live,
    media,
    metrics,
    news,
    openapi,
    pole_views,
    poles,
    stats,
    words,
)
from edge.station.api import station as station_resource
from edge.station.api.audit_line import AuditLine
from edge.station.api.context import STATION, StationContext
from edge.station.api.users import make_doorkeeper

PAGE_FOLDER = Path(__file__).parents[1] / "web"
ALL_ROUTES: tuple[Route, ...] = (
    *page.ROUTES,
    *sign_in.ROUTES,
    *station_resource.ROUTES,
    *metrics.ROUTES,
    *alerts.ROUTES,
    *words.ROUTES,
    *news.ROUTES,
    *poles.ROUTES,
    *live.ROUTES,
    *media.ROUTES,
    *stats.ROUTES,
    *feed.ROUTES,
    *openapi.ROUTES,
)
"""Every route of the station: the resources' own, one line each."""
_SET_UPS: tuple[SetUp, ...] = (
    page.serve_page(PAGE_FOLDER),
    polls.set_up,
    media_answer.set_up,
    alerts.set_up,
    words.set_up,
    news.set_up,
    pole_views.set_up,
    live.set_up,
    stats.set_up,
    feed.set_up,
)
"""What resources keep for one server, one line each."""


def make_app(station: StationContext, routes: Sequence[Route] = ALL_ROUTES) -> web.Application:
    """Make the application of one server.

    Args:
        station: what its handlers work with.
        routes: for tests.
    """
    config = station.config
    make_id = station.make_id
    line = AuditLine(station.desk.say, make_id=make_id)
    book = AuditBook(line.append, station.clock, read_clock=station.read_clock, make_id=make_id)
    access = Access(make_doorkeeper(config.users), book, station.clock)

    def set_station(app: web.Application) -> None:
        app[STATION], app[AUDIT] = station, book
        app.cleanup_ctx.append(line.live)

    set_ups = (set_station, *_SET_UPS)
    names = Names(config.api.listen, station.id)
    link = Link(lambda _: Rank.REST, station.clock)
    return make_application(routes, set_ups, access=access, names=names, link=link)
