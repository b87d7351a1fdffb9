"""How alerts were answered, as tables: JSON for programs, CSV for people's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from aiohttp import web

from edge.serving.audit import note_access
from edge.serving.moments import read_moment
from edge.serving.problems import Problem
from edge.serving.queries import bad_parameter, read_parameters
from edge.serving.routes import CALLER, Route
from edge.station.api.answers import answer_json
from edge.station.api.context import STATION
from edge.station.statistics import GROUPINGS, Grouping, Hours, table_csv, table_fields, tabulate
from edge.wire import format_utc

SPAN_DAYS_MAX = 92
SPAN_DAYS = 7
_DAY_MS = 86_400_000
_FORMATS = ("json", "csv")
_GROUPINGS: Mapping[str, Grouping] = {each: each for each in GROUPINGS}
_MARK = "\ufeff"
"""What spreadsheets want before they read UTF-8 as such; sites have Chinese names."""

TURN = web.AppKey("statistics", asyncio.Lock)


def set_up(app: web.Application) -> None:
    """Let one table be made after the other: a desk full of people costs no more than one."""
    app[TURN] = asyncio.Lock()


async def get_stats(request: web.Request) -> web.Response:
    """Give the alerts that came in a span by groups, with how they were answered."""
    station = request.app[STATION]
    parameters = read_parameters(request, "since", "until", "by", "format")
    by = _GROUPINGS.get(parameters.get("by", "rule"))
    if by is None:
        raise bad_parameter("by", f"is not one of {', '.join(GROUPINGS)}")
    form = parameters.get("format", "json")
    if form not in _FORMATS:
        raise bad_parameter("format", f"is not one of {', '.join(_FORMATS)}")
    since_ms, until_ms = _read_span(parameters, station.clock.utc_ms())
    if by == "person":
        await _answer_for_persons(request)
    about = station.config.station
    hours = Hours(ZoneInfo(about.timezone), about.shifts)
    async with request.app[TURN]:
        responses = await station.desk.responses(since_ms=since_ms, until_ms=until_ms)
        table = await asyncio.to_thread(tabulate, responses, by, hours)
    if form == "csv":
        name = f"alerts-by-{by}-{format_utc(since_ms)[:10]}.csv"
        return web.Response(
            text=_MARK + table_csv(table),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    span = {"since": format_utc(since_ms), "until": format_utc(until_ms)}
    return answer_json({**span, "timezone": about.timezone, **table_fields(table)})


async def _answer_for_persons(request: web.Request) -> None:
    """How fast somebody works is for his supervisor, who answers for having looked.

    Raises:
        Problem: 403.
    """
    if "admin" not in request[CALLER].scopes:
        raise Problem(403, "figures by person need the scope admin; ask a supervisor")
    await note_access(request, what="statistics by person")


def _read_span(parameters: Mapping[str, str], now_ms: int) -> tuple[int, int]:
    until, since = parameters.get("until"), parameters.get("since")
    until_ms = now_ms if until is None else read_moment(until, "until")
    since_ms = until_ms - SPAN_DAYS * _DAY_MS if since is None else read_moment(since, "since")
    since_ms = max(0, since_ms)
    if not 0 <= until_ms - since_ms <= SPAN_DAYS_MAX * _DAY_MS:
        raise bad_parameter("since", f"is not before until by at most {SPAN_DAYS_MAX} days")
    return since_ms, until_ms


ROUTES = (Route("GET", "/v1/stats", get_stats, "read"),)
