"""Alerts of all poles, worst first, and the records that one is made of."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from edge.serving.audit import note_access
from edge.serving.moments import read_moment
from edge.serving.page_cache import PageCache
from edge.serving.queries import bad_parameter, read_parameters, read_whole
from edge.serving.routes import Route
from edge.station.api.answers import answer_body, find_alert, join
from edge.station.api.context import STATION
from edge.station.ports.desk import Asked, DeskState

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
FILTER_CHARS_MAX = 130
_AFTER_CHARS_MAX = 200
_NUMBER_MAX = 2**53
_STATES: Mapping[str, DeskState] = {"open": "open", "new": "new", "all": "all"}
_ORDERS = ("worst", "newest")

PAGES = web.AppKey("pages", PageCache)


def set_up(app: web.Application) -> None:
    """Give an app its pages: every desk asks for the same ones."""
    app[PAGES] = PageCache()


async def get_alerts(request: web.Request) -> web.Response:
    """List alerts; how many there are comes with them."""
    desk, pages = request.app[STATION].desk, request.app[PAGES]
    parameters = read_parameters(
        request, "state", "pole", "site", "rule", "since", "until", "order", "limit", "after"
    )
    asked = _read_asked(parameters)
    limit = read_whole(parameters, "limit", default=LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    after = parameters.get("after")
    if after is not None and len(after) > _AFTER_CHARS_MAX:
        raise bad_parameter("after", "is no place of a list; give `next` as a page had it")
    change = desk.change  # what is read now is not older than that
    key = (asked, limit, after)
    body = pages.find(key, change)
    if body is None:
        page = await desk.alerts(asked, after=after, limit=limit)
        body = b'{"items":%s,"more":%s,"next":%s,"change":%d,"counts":%s}' % (
            join(page.bodies),
            b"false" if page.next is None else b"true",
            msgspec.json.encode(page.next),
            page.change,
            msgspec.json.encode(await desk.counts()),
        )
        pages.keep(key, change, body)
    return answer_body(body)


async def get_alert(request: web.Request) -> web.Response:
    """Give one alert."""
    read_parameters(request)
    return answer_body(await find_alert(request))


async def get_records(request: web.Request) -> web.Response:
    """Give the records of an alert, as they are stored."""
    after = read_whole(
        read_parameters(request, "after"), "after", default=0, least=0, most=_NUMBER_MAX
    )
    await find_alert(request)
    pole, alert = request.match_info["pole"], request.match_info["id"]
    page = await request.app[STATION].desk.records(pole, alert, after=after)
    await note_access(request, what="records", data={"pole": pole, "alert": alert})
    return answer_body(
        b'{"items":%s,"more":%s,"next":%s}'
        % (
            join(page.bodies),
            b"false" if page.next is None else b"true",
            msgspec.json.encode(page.next),
        )
    )


def _read_asked(parameters: Mapping[str, str]) -> Asked:
    state = _STATES.get(parameters.get("state", "open"))
    if state is None:
        raise bad_parameter("state", f"is not one of {', '.join(_STATES)}")
    order = parameters.get("order", "worst")
    if order not in _ORDERS:
        raise bad_parameter("order", f"is not one of {', '.join(_ORDERS)}")
    since_ms, until_ms = (_read_moment(parameters, name) for name in ("since", "until"))
    return Asked(
        state,
        pole=_read_filter(parameters, "pole"),
        site=_read_filter(parameters, "site"),
        rule=_read_filter(parameters, "rule"),
        since_ms=since_ms,
        until_ms=until_ms,
        newest_first=order == "newest",
    )


def _read_filter(parameters: Mapping[str, str], name: str) -> str | None:
    """A name to be found as it is; one that is nowhere finds nothing."""
    text = parameters.get(name)
    if text is None:
        return None
    if len(text) > FILTER_CHARS_MAX or not text.isprintable():
        raise bad_parameter(name, f"is no name of 1 to {FILTER_CHARS_MAX} characters")
    return text


def _read_moment(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name)
    return None if text is None else read_moment(text, name)


ROUTES = (
    Route("GET", "/v1/alerts", get_alerts, "read"),
    Route("GET", "/v1/alerts/{pole}/{id}", get_alert, "read"),
    Route("GET", "/v1/alerts/{pole}/{id}/records", get_records, "read"),
)
