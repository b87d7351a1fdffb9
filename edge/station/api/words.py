"""What people at a desk say of alerts: acknowledged, noted, judged, held, seen.

It is on disk here when it is answered; the pole is told as soon as it can be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web

from edge.feeds import Draft
from edge.model import Json
from edge.serving.audit import make_change
from edge.serving.disk_wait import UNKNOWN, written_in_time
from edge.serving.queries import read_body, read_parameters
from edge.serving.routes import CALLER, Route
from edge.serving.verdicts import Ack, Resolve
from edge.station.api import requests
from edge.station.api.answers import answer_body, answer_json, find_alert, look_up_alert
from edge.station.api.context import STATION
from edge.station.api.requests import Hold, Known, Note, Seen, Spoken, read_known

TURN = web.AppKey("turn", asyncio.Lock)


def set_up(app: web.Application) -> None:
    """Let one speak after the other, so that two who say the same at once make one record."""
    app[TURN] = asyncio.Lock()


async def ack_alert(request: web.Request) -> web.Response:
    """Note that somebody takes care of an alert; the first one counts."""
    read_parameters(request)
    ack = await read_body(request, Ack)
    return await _say(request, lambda alert: requests.hear_ack(ack, alert))


async def resolve_alert(request: web.Request) -> web.Response:
    """Note what an alert was; the last one to say something else counts."""
    read_parameters(request)
    resolve = await read_body(request, Resolve)
    return await _say(request, lambda alert: requests.hear_resolve(resolve, alert))


async def note_alert(request: web.Request) -> web.Response:
    """Note what was done about an alert."""
    read_parameters(request)
    note = await read_body(request, Note)
    return await _say(request, lambda alert: requests.hear_note(note, alert))


async def hold_alert(request: web.Request) -> web.Response:
    """Keep an alert's files for a case, or no longer."""
    read_parameters(request)
    hold = await read_body(request, Hold)
    return await _say(request, lambda alert: requests.hear_hold(hold, alert))


async def note_seen(request: web.Request) -> web.Response:
    """Note which alerts somebody who can act has had before his eyes; those not there are none."""
    read_parameters(request)
    asked = {(each.pole, each.id) for each in (await read_body(request, Seen)).alerts}
    desk = request.app[STATION].desk
    async with written_in_time(UNKNOWN) as handing, request.app[TURN]:
        found = [await look_up_alert(request, pole, alert) for pole, alert in sorted(asked)]
        unseen = [known for body in found if body and not (known := read_known(body)).is_seen]
        if unseen:
            handing.begin(desk)
            spoken = Spoken("alert.seen", {})
            change = make_change(request, what="alert.seen", data={"count": len(unseen)})
            await desk.say([*(_draft(request, known, spoken) for known in unseen), change])
    return answer_json({"noted": len(unseen)})


async def _say(request: web.Request, hear: Callable[[bytes], Sequence[Spoken]]) -> web.Response:
    """Write records of what somebody says of an alert, where it is news; give the alert."""
    station = request.app[STATION]
    async with written_in_time(UNKNOWN) as handing, request.app[TURN]:
        alert = await find_alert(request)
        spoken = hear(alert)
        if spoken:
            handing.begin(station.desk)
            known = read_known(alert)
            drafts = [_draft(request, known, each) for each in spoken]
            is_poles = known.pole != station.id
            drafts += [_change(request, known, each) for each in spoken]
            await station.desk.say(drafts, pass_on=is_poles)
            if known.pole in station.links.names:
                station.links.nudge(known.pole)
            alert = await find_alert(request)
    return answer_body(alert)


def _change(request: web.Request, known: Known, spoken: Spoken) -> Draft:
    said: dict[str, Json] = {"pole": known.pole, "alert": known.id, **spoken.data}
    return make_change(request, what=spoken.kind, camera=known.camera, data=said)


def _draft(request: web.Request, known: Known, spoken: Spoken) -> Draft:
    station = request.app[STATION]
    said = {"pole": known.pole, "by": request[CALLER].name, **spoken.data}
    return Draft(
        "alerts", station.make_id(), spoken.kind, station.clock.utc_ms(), station.read_clock(),
        camera=known.camera, alert=known.id, data=said,
    )  # fmt: skip


ROUTES = (
    Route("POST", "/v1/alerts/{pole}/{id}/ack", ack_alert, "ack"),
    Route("POST", "/v1/alerts/{pole}/{id}/note", note_alert, "ack"),
    Route("POST", "/v1/alerts/{pole}/{id}/resolve", resolve_alert, "ack"),
    Route("POST", "/v1/alerts/{pole}/{id}/hold", hold_alert, "admin"),
    Route("POST", "/v1/seen", note_seen, "ack"),
)
