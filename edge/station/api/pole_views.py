"""Poles as JSON, each made once for each change, and numbers of changes that outlive a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import msgspec
from aiohttp import web

from edge.model import Json
from edge.serving.page_cache import PageCache
from edge.station.api.answers import join
from edge.station.api.context import STATION
from edge.station.ports.links import Links, PoleView
from edge.wire import format_utc


class PoleViews:
    """The poles of one station.

    Links number changes from 0 with each start. Told to desks they begin with the moment of the
    start, so that a desk that knows a number of the life before is given everything anew.
    """

    def __init__(self, links: Links, begun_ms: int) -> None:
        """`begun_ms` is when the station began."""
        self._links, self._begun = links, begun_ms
        self._answers = PageCache()
        self._made: dict[str, tuple[PoleView, bytes]] = {}

    @property
    def change(self) -> int:
        """The newest change, as desks know it."""
        return self._begun + self._links.change

    def body(self, pole: str) -> bytes:
        """Give one as JSON."""
        view = self._links.view(pole)
        made = self._made.get(pole)
        if made is None or made[0] != view:
            made = self._made[pole] = (view, msgspec.json.encode(show(view, self._begun)))
        return made[1]

    def has_changed(self, after: int) -> bool:
        """Whether any has changed after what a desk knows."""
        return self.own_change(after) < self._links.change

    def changed(self, after: int) -> bytes:
        """Give an array of those that have changed after what a desk knows.

        All where it knows another life. It is made once for all desks that know as much.
        """
        last, links = self.own_change(after), self._links
        poles = self._answers.find(last, links.change)
        if poles is None:
            poles = join(self.body(pole) for pole in links.names if links.change_of(pole) > last)
            self._answers.keep(last, links.change, poles)
        return poles

    def own_change(self, after: int) -> int:
        """What a desk knows, as links number it; before everything where it is of another life."""
        return after - self._begun if self._begun <= after <= self.change else -1


VIEWS = web.AppKey("views", PoleViews)


def set_up(app: web.Application) -> None:
    """Give an app its poles."""
    station = app[STATION]
    app[VIEWS] = PoleViews(station.links, station.begun_ms)


def show(view: PoleView, begun: int) -> Mapping[str, Json]:
    """Make the JSON of a view; times are RFC 3339, `change` is counted from `begun`."""
    heard_at = None if view.heard_ms is None else format_utc(view.heard_ms)
    troubles: list[Json] = [
        {"what": each.what, "detail": each.detail, "since": format_utc(each.since_ms)}
        for each in view.troubles
    ]
    return {
        "name": view.name,
        "site": view.site,
        "pole_id": view.pole_id,
        "state": view.state,
        "since": format_utc(view.since_ms),
        "cause": view.cause,
        "heard_at": heard_at,
        "clock_ahead_ms": view.clock_ahead_ms,
        "answer_ms": view.answer_ms,
        "is_well": view.is_well,
        "unwell": list(view.unwell),
        "health_at": None if view.health_ms is None else format_utc(view.health_ms),
        "cameras": list(view.cameras),
        "position": None if view.position is None else dict(view.position),
        "troubles": troubles,
        "files_waiting": view.files_waiting,
        "bytes_waiting": view.bytes_waiting,
        "coming": [asdict(each) for each in view.coming],
        "version": view.version,
        "change": begun + view.change,
    }
