"""The station's figures for a monitoring system: /metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

from aiohttp import web

from edge.serving.open_metrics import CONTENT_TYPE, Family, Figure, encode_families
from edge.serving.queries import read_parameters
from edge.serving.routes import Route
from edge.serving.traffic import TRAFFIC
from edge.serving.traffic_figures import traffic_families
from edge.station.api.context import STATION, StationContext
from edge.station.ports.links import LinkState, PoleView

_MS_PER_S = 1000


async def show_metrics(request: web.Request) -> web.Response:
    """Give all figures."""
    read_parameters(request)
    station = request.app[STATION]
    views = [station.links.view(name) for name in station.links.names]
    families = [
        *_of_poles(views),
        *_of_station(station, await station.desk.counts()),
        *station.read_figures(),
        *traffic_families(request.app[TRAFFIC]),
    ]
    body = encode_families(families).encode()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def _of_poles(views: list[PoleView]) -> list[Family]:
    def per_pole(value: Callable[[PoleView], float | None]) -> list[Figure]:
        found = [(view.name, value(view)) for view in views]
        return [Figure(each, {"pole": name}) for name, each in found if each is not None]

    states = [
        Figure(float(view.state == state), {"pole": view.name, "polewatch_pole_state": state})
        for view in views
        for state in get_args(LinkState)
    ]
    return [
        Family("polewatch_pole_state", "stateset", "How it is reached now.", states),
        Family("polewatch_pole_well", "gauge", "1 while it says that it is well; none: not heard.",
               per_pole(_wellness)),
        Family("polewatch_pole_heard_seconds", "gauge", "When it last answered, since 1970.",
               per_pole(lambda view: None if view.heard_ms is None else view.heard_ms / _MS_PER_S)),
        Family("polewatch_pole_troubles", "gauge", "Things that are wrong with it.",
               per_pole(lambda view: len(view.troubles))),
        Family("polewatch_pole_files_waiting", "gauge", "Files still to be fetched.",
               per_pole(lambda view: view.files_waiting)),
        Family("polewatch_pole_waiting_bytes", "gauge", "What these files are together.",
               per_pole(lambda view: view.bytes_waiting)),
    ]  # fmt: skip


def _wellness(view: PoleView) -> float | None:
    """What a pole says of itself now; what it said before it fell silent is worth nothing."""
    is_heard = view.state in ("up", "catching up")
    return float(view.is_well) if is_heard and view.is_well is not None else None


def _of_station(station: StationContext, counts: Mapping[str, int]) -> list[Family]:
    alerts = [Figure(count, {"state": state}) for state, count in sorted(counts.items())]
    parts = [
        Figure(float(part.is_well), {"kind": part.kind, "name": part.name})
        for part in station.judge_parts()
    ]
    return [
        Family("polewatch_alerts", "gauge", "Alerts by what became of them.", alerts),
        Family("polewatch_change", "counter", "Changes of alerts.",
               [Figure(station.desk.change, {})]),
        Family("polewatch_store_up", "gauge", "1 while the disk takes records.",
               [Figure(float(station.desk.fault is None), {})]),
        Family("polewatch_part_up", "gauge", "1 while a part of the station runs.", parts),
        Family("polewatch_begun_seconds", "gauge", "When the station began, since 1970.",
               [Figure(station.begun_ms / _MS_PER_S, {})]),
    ]  # fmt: skip


ROUTES = (Route("GET", "/metrics", show_metrics, "read"),)
