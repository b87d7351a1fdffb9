"""The API as one application: the routes of all resources, and what they keep for one server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from edge.agent.api import (
    alerts,
    cameras,
    feeds,
    live,
    live_desk,
    media,
    metrics,
    openapi,
    tracks,
)
from edge.agent.api import pole as pole_resource
from edge.agent.api.context import POLE, Pole
from edge.agent.api.doorkeeper import make_doorkeeper
from edge.agent.api.urgency import rank_of
from edge.serving import media_answer, page, polls, sign_in
from edge.serving.access import Access
from edge.serving.application import Names, SetUp, make_application
from edge.serving.audit import AUDIT, AuditBook
from edge.serving.link import Link
from edge.serving.link_budget import Budget
from edge.serving.routes import Route

PAGE_FOLDER = Path(__file__).parents[1] / "web"
ALL_ROUTES: tuple[Route, ...] = (
    *page.ROUTES,
    *sign_in.ROUTES,
    *pole_resource.ROUTES,
    *metrics.ROUTES,
    *feeds.ROUTES,
    *media.ROUTES,
    *alerts.ROUTES,
    *cameras.ROUTES,
    *live.ROUTES,
    *tracks.ROUTES,
    *openapi.ROUTES,
)
"""Every route of the pole: the resources' own, one line each."""
_SET_UPS: tuple[SetUp, ...] = (
    page.serve_page(PAGE_FOLDER),
    polls.set_up,
    alerts.set_up,
    media_answer.set_up,
    cameras.set_up,
    feeds.set_up,
    live_desk.set_up,
)
"""What resources keep for one server, one line each."""


def make_app(pole: Pole, routes: Sequence[Route] = ALL_ROUTES) -> web.Application:
    """Make the application of one server.

    Args:
        pole: what its handlers work with.
        routes: for tests.
    """
    book = AuditBook(pole.log.append, pole.clock, read_clock=pole.read_clock, make_id=pole.make_id)
    access = Access(make_doorkeeper(pole.tokens), book, pole.clock)
    names = Names(pole.config.api.listen, pole.config.pole.id)
    bytes_per_hour = pole.config.link.budget_bytes_per_hour
    budget = Budget(bytes_per_hour) if bytes_per_hour is not None else None
    link = Link(rank_of, pole.clock, budget)

    def set_pole(app: web.Application) -> None:
        app[POLE], app[AUDIT] = pole, book

    set_ups = (set_pole, *_SET_UPS)
    return make_application(routes, set_ups, access=access, names=names, link=link)
