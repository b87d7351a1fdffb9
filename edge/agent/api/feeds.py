"""The pole's feeds: pages by cursor, long polls, what was signed of them, and acks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import msgspec
from aiohttp import web

from edge.agent.api.context import POLE
from edge.agent.api.cursors import oldest_cursor, why_gone, why_not_acked
from edge.agent.api.forms import JSON, Extent, Form, choose_form, encode_page
from edge.agent.ports import CameraSet, Log
from edge.feeds import FEEDS, Cursor, Feed, Head, Page, parse_cursor
from edge.model import Json
from edge.serving.audit import note_access, note_change
from edge.serving.codings import GZIP, WORTH_BYTES, compress, takes_gzip
from edge.serving.disk_wait import QUEUED, written_in_time
from edge.serving.link import LINK
from edge.serving.noted import NOTED, Noted
from edge.serving.polls import POLLS, Polls
from edge.serving.problems import Problem
from edge.serving.queries import (
    bad_parameter,
    read_body,
    read_parameters,
    read_seconds,
    read_whole,
)
from edge.serving.routes import CALLER, Route

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
WAIT_S_MAX = 60.0
NOTED_FOR_S = 3600
"""Who follows a feed, or acknowledges it, is on record once an hour, not with each page."""
_AT_ONCE_BYTES = 16 * 1024
"""Compressed in half a millisecond; what is longer must not hold up the loop."""
STATEMENTS_MAX = 1000
"""Statements in one answer: about 300 KB."""
_SEQ_MAX = 10**15
_FEED_OF: dict[str, Feed] = {feed: feed for feed in FEEDS}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records a caller wants; `has_cursor` false: from the oldest one kept."""

    feed: Feed
    after: int
    has_cursor: bool
    limit: int
    wait_s: float
    cameras: CameraSet


class FeedAck(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an ack: everything up to this cursor has been received."""

    upto: str


def set_up(app: web.Application) -> None:
    """Give an app its list of who is on record."""
    app[NOTED] = Noted(NOTED_FOR_S)


async def get_feed(request: web.Request) -> web.Response:
    """Give the records after a cursor, waiting for some if asked to."""
    log = request.app[POLE].log
    asked = _read_asked(request, log)
    if request.method != "HEAD" and _is_due(request, f"feed {asked.feed}"):
        said: dict[str, Json] = {"feed": asked.feed, "after": str(Cursor(log.epoch, asked.after))}
        await note_access(request, what="feed", data=said)
    page = await _read(log, asked, asked.after)
    if asked.has_cursor:  # of what has left while it was being read, too
        head = replace(log.head(asked.feed), oldest=page.oldest)
        _refuse_gone(Cursor(log.epoch, asked.after), log.epoch, head)
    if asked.wait_s and not page.bodies:
        page = await _wait_for_page(log, asked, page=page, polls=request.app[POLLS])
    extent = Extent(
        str(Cursor(log.epoch, page.next_seq)),
        str(oldest_cursor(log.epoch, page.oldest)),
        page.has_more,
    )
    if page.bodies:
        link = request.app[LINK]
        await link.give_way(request, link.rank_of(request))
    return await _respond(request, page, extent)


async def get_statements(request: web.Request) -> web.Response:
    """Give what the pole has signed of a feed."""
    log = request.app[POLE].log
    feed = _read_feed(request)
    if request[CALLER].cameras is not None:
        raise Problem(
            403,
            "a token for some cameras gets no proof of the whole feed; use one for all cameras",
        )
    parameters = read_parameters(request, "after")
    after = read_whole(parameters, "after", default=0, least=0, most=_SEQ_MAX)
    signed = await log.statements(feed, after=after, limit=STATEMENTS_MAX + 1)
    has_more = len(signed) > STATEMENTS_MAX
    if has_more:  # a place may have two: both go on the next page
        last = signed[-1].statement.seq
        signed = [each for each in signed if each.statement.seq < last]
    items = [
        {**asdict(each.statement), "key": each.key, "signature": each.signature} for each in signed
    ]
    next_seq = signed[-1].statement.seq if signed else after
    body = msgspec.json.encode({"items": items, "next": next_seq, "more": has_more})
    return web.Response(body=body, content_type=JSON)


async def ack_feed(request: web.Request) -> web.Response:
    """Note what a caller has received; it never goes back."""
    log = request.app[POLE].log
    feed = _read_feed(request)
    read_parameters(request)
    upto = parse_cursor((await read_body(request, FeedAck)).upto)
    if upto is None:
        raise bad_parameter("upto", "is no cursor; give `next` as a page had it")
    if why := why_not_acked(upto, log.epoch, head := log.head(feed)):
        raise Problem(409, why, fields={"head": str(Cursor(log.epoch, head.seq))})
    async with written_in_time(QUEUED) as handing:
        handing.begin(log)
        counts = await log.ack(request[CALLER].name, feed, upto.seq)
    if _is_due(request, f"feed.ack {feed}"):
        await note_change(request, what="feed.ack", data={"feed": feed, "upto": str(upto)})
    body = msgspec.json.encode({"upto": str(Cursor(log.epoch, counts))})
    return web.Response(body=body, content_type=JSON)


def _is_due(request: web.Request, what: str) -> bool:
    """Whether a caller is to be put on record now for what he does again and again."""
    now_ns = request.app[POLE].clock.monotonic_ns()
    return bool(request.app[NOTED].take_due(request[CALLER].name, [what], now_ns))


def _read_feed(request: web.Request) -> Feed:
    feed = _FEED_OF.get(request.match_info["feed"])
    if feed is None:
        raise Problem(404, f"there is no such feed; there are {', '.join(FEEDS)}")
    return feed


def _read_asked(request: web.Request, log: Log) -> Asked:
    feed = _read_feed(request)
    parameters = read_parameters(request, "after", "limit", "wait")
    limit = read_whole(parameters, "limit", default=LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    wait_s = read_seconds(parameters, "wait", most=WAIT_S_MAX)
    head = log.head(feed)
    cameras = request[CALLER].cameras
    if "after" not in parameters:
        oldest = oldest_cursor(log.epoch, head.oldest)
        return Asked(feed, oldest.seq, False, limit, wait_s, cameras)
    cursor = parse_cursor(parameters["after"])
    if cursor is None:
        raise bad_parameter("after", "is no cursor; give `next` or `oldest` as a page had it")
    _refuse_gone(cursor, log.epoch, head)
    return Asked(feed, cursor.seq, True, limit, wait_s, cameras)


def _refuse_gone(cursor: Cursor, epoch: str, head: Head) -> None:
    if why := why_gone(cursor, epoch, head):
        oldest = str(oldest_cursor(epoch, head.oldest))
        raise Problem(410, f"{why}; go on with after={oldest}", fields={"oldest": oldest})


async def _read(log: Log, asked: Asked, after: int) -> Page:
    return await log.page(asked.feed, after=after, limit=asked.limit, cameras=asked.cameras)


async def _wait_for_page(log: Log, asked: Asked, *, page: Page, polls: Polls) -> Page:
    """Wait behind an empty page for records that the caller may see, or to its time's end."""
    feed, wait_s = asked.feed, asked.wait_s
    with suppress(TimeoutError):
        async with polls.wait(wait_s):
            while not page.bodies and not page.has_more:
                if not await log.wait_for_more(feed, after=page.next_seq, timeout_s=wait_s):
                    break
                page = await _read(log, asked, page.next_seq)
    return page


async def _respond(request: web.Request, page: Page, extent: Extent) -> web.Response:
    form: Form = choose_form(request.headers.get("Accept", ""))
    body = encode_page(form, page.bodies, extent)
    headers = {"Vary": "Accept, Accept-Encoding"}
    if len(body) >= WORTH_BYTES and takes_gzip(request.headers.get("Accept-Encoding", "")):
        is_long = len(body) > _AT_ONCE_BYTES
        body = await asyncio.to_thread(compress, body) if is_long else compress(body)
        headers["Content-Encoding"] = GZIP
    if form != JSON:
        headers |= {
            "Polewatch-Next": extent.next,
            "Polewatch-More": "true" if extent.has_more else "false",
            "Polewatch-Oldest": extent.oldest,
        }
    return web.Response(body=body, content_type=form, headers=headers)


ROUTES = (
    Route("GET", "/v1/feeds/{feed}", get_feed, "read"),
    Route("GET", "/v1/feeds/{feed}/statements", get_statements, "read"),
    Route("POST", "/v1/feeds/{feed}/ack", ack_feed, "ack"),
)
