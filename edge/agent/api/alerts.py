"""Alerts as people want them: worst first, one by its id, seen by somebody, judged by somebody."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from edge.agent.api.context import POLE, Pole
from edge.agent.ports import AlertPage, AlertSummary, CameraSet
from edge.feeds import Draft
from edge.model import Json
from edge.serving.audit import make_change
from edge.serving.disk_wait import QUEUED, written_in_time
from edge.serving.page_cache import PageCache
from edge.serving.problems import Problem
from edge.serving.queries import bad_parameter, read_body, read_parameters, read_whole
from edge.serving.routes import CALLER, Route
from edge.serving.verdicts import Ack, Resolve, check_note, says_more
from edge.summary import Summary, encode_summary, step

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_STATES = ("open", "all")
_CONTENT_TYPE = "application/json"
_ITEMS = b'{"items":['
_NO_ITEM = b'{"items":[]'


class Desk:
    """Where people ask for alerts and say what they think of them, one after the other."""

    def __init__(self) -> None:
        """Nobody is there yet."""
        self.pages = PageCache()
        self.turn = asyncio.Lock()


DESK = web.AppKey("desk", Desk)


def set_up(app: web.Application) -> None:
    """Give an app its desk."""
    app[DESK] = Desk()


async def get_alerts(request: web.Request) -> web.Response:
    """List alerts by falling severity, then the newest first."""
    log, caller = request.app[POLE].log, request[CALLER]
    parameters = read_parameters(request, "state", "limit", "after")
    state = parameters.get("state", "open")
    if state not in _STATES:
        raise bad_parameter("state", f"is not one of {', '.join(_STATES)}")
    limit = read_whole(parameters, "limit", default=LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    after = parameters.get("after")
    # An alert changes by a record of one of these feeds; what is read now is not older than that.
    heads = (log.head("alerts").seq, log.head("media").seq)
    asked = (state, limit, after, caller.cameras)
    pages = request.app[DESK].pages
    body = pages.find(asked, heads)
    if body is None:
        if after is not None:
            await _check_after(request, after)
        page = await log.alerts(
            only_open=state == "open", after=after, limit=limit, cameras=caller.cameras
        )
        body = _encode(page)
        pages.keep(asked, heads, body)
    if after is None and (waiting := _waiting(request.app[POLE], caller.cameras)):
        comma = b"" if body.startswith(_NO_ITEM) else b","
        body = _ITEMS + b",".join(waiting) + comma + body.removeprefix(_ITEMS)
    return web.Response(body=body, content_type=_CONTENT_TYPE)


async def get_alert(request: web.Request) -> web.Response:
    """Give one alert."""
    read_parameters(request)
    summary = await _find(request, request.match_info["id"])
    return web.Response(body=summary.body, content_type=_CONTENT_TYPE)


async def ack_alert(request: web.Request) -> web.Response:
    """Note that somebody has seen an alert; the first one counts."""
    read_parameters(request)
    ack = await read_body(request, Ack)
    check_note(ack.note)
    return await _say(request, "alert.ack", {"note": ack.note}, lambda known: not known.is_acked)


async def resolve_alert(request: web.Request) -> web.Response:
    """Note what an alert was; the last one to say something else counts."""
    read_parameters(request)
    resolve = await read_body(request, Resolve)
    check_note(resolve.note)
    said: dict[str, Json] = {"verdict": resolve.verdict, "note": resolve.note}
    return await _say(request, "alert.resolve", said, lambda known: says_more(resolve, known.body))


async def _say(
    request: web.Request,
    kind: str,
    said: Mapping[str, Json],
    is_news: Callable[[AlertSummary], bool],
) -> web.Response:
    """Write a record of what somebody says of an alert, where it is news; give the summary.

    One after the other, so that two who say the same at once make one record.
    """
    pole, name = request.app[POLE], request.match_info["id"]
    async with written_in_time(QUEUED) as handing, request.app[DESK].turn:
        summary = await _find(request, name)
        if is_news(summary):
            handing.begin(pole.log)
            draft = Draft(
                "alerts", pole.make_id(), kind, pole.clock.utc_ms(), pole.read_clock(),
                camera=summary.camera, alert=name, data={"by": request[CALLER].name, **said},
            )  # fmt: skip
            change = make_change(
                request, what=kind, camera=summary.camera, data={"alert": name, **said}
            )
            await pole.log.append([draft, change])
            summary = await _find(request, name)
    return web.Response(body=summary.body, content_type=_CONTENT_TYPE)


async def _find(request: web.Request, name: str) -> AlertSummary:
    """Give an alert that the caller may see.

    Raises:
        Problem: 404, also where there is one that he may not see.
    """
    if _ULID.fullmatch(name):
        summary = await request.app[POLE].log.alert(name)
        if summary is not None and request[CALLER].may_see(summary.camera):
            return summary
    raise Problem(404, "there is no such alert; /v1/alerts?state=all lists those there are")


async def _check_after(request: web.Request, after: str) -> None:
    """Refuse to go on after an alert that is not there for the caller.

    Raises:
        Problem: 400 where it is none, 410 where it can't be known as one.
    """
    if not _ULID.fullmatch(after):
        raise bad_parameter("after", "is no id; give `next` as a page had it")
    try:
        await _find(request, after)
    except Problem as exc:
        raise Problem(410, "there is no such alert any more; begin again without after") from exc


def _waiting(pole: Pole, cameras: CameraSet) -> list[bytes]:
    """Alerts that the disk has not taken, the newest first, each marked as not kept."""
    if pole.log.fault is None:
        return []
    found: dict[str, Summary] = {}
    for draft in pole.log.waiting():
        if draft.alert is None or draft.feed not in ("alerts", "media"):
            continue
        after = step(found.get(draft.alert), draft, seq=0, pole=pole.config.pole.id)
        if after is not None:
            found[draft.alert] = after
    seen = [each for each in found.values() if cameras is None or each.camera in cameras]
    return [encode_summary(each)[:-1] + b',"kept":false}' for each in reversed(seen)]


def _encode(page: AlertPage) -> bytes:
    following = page.next_id
    tail = b'],"more":%s,"next":%s}' % (
        b"false" if following is None else b"true",
        msgspec.json.encode(following),
    )
    return _ITEMS + b",".join(alert.body for alert in page.alerts) + tail


ROUTES = (
    Route("GET", "/v1/alerts", get_alerts, "read"),
    Route("GET", "/v1/alerts/{id}", get_alert, "read"),
    Route("POST", "/v1/alerts/{id}/ack", ack_alert, "ack"),
    Route("POST", "/v1/alerts/{id}/resolve", resolve_alert, "ack"),
)
