"""Live views: how many, and what of a pole's answer a desk sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

import pytest

from edge.errors import PoleUnreachable, ViewsFull
from edge.station.ports.links import LiveAnswer, Stream
from edge.station.pulling.live import VIEWS_MAX, VIEWS_OF_POLE_MAX, LiveViews, pass_headers
from edge.station.pulling.ports import PoleClient


class StillStream:
    """An answer of one byte."""

    answer = LiveAnswer(200, {"Content-Type": "image/jpeg", "Set-Cookie": "a=b"})

    async def read(self) -> bytes:
        return b"x"


class ViewedPole:
    """A pole that shows pictures, or is not there."""

    def __init__(self, *, is_there: bool = True) -> None:
        self._is_there = is_there

    @asynccontextmanager
    async def open_live(
        self, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AsyncIterator[Stream]:
        if not self._is_there:
            raise PoleUnreachable("no route")
        yield StillStream()


def make_views(**poles: ViewedPole) -> LiveViews:
    return LiveViews({name: cast(PoleClient, pole) for name, pole in poles.items()})


def test_views_are_refused_when_enough_of_a_pole_are_open() -> None:
    views = make_views(P1=ViewedPole(), P2=ViewedPole())

    async def look() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(VIEWS_OF_POLE_MAX):
                await stack.enter_async_context(views.open("P1", "yard/live.mjpg", {}))
            with pytest.raises(ViewsFull, match="4 views of P1"):
                await stack.enter_async_context(views.open("P1", "yard/live.mjpg", {}))
            await stack.enter_async_context(views.open("P2", "yard/live.mjpg", {}))
        async with views.open("P1", "yard/live.mjpg", {}) as stream:
            assert await stream.read() == b"x"
            assert stream.answer.headers == {"Content-Type": "image/jpeg"}

    asyncio.run(look())


def test_views_are_refused_when_enough_are_open_in_all() -> None:
    views = make_views(**{f"P{number}": ViewedPole() for number in range(VIEWS_MAX + 1)})

    async def look() -> None:
        async with AsyncExitStack() as stack:
            for number in range(VIEWS_MAX):
                await stack.enter_async_context(views.open(f"P{number}", "yard/live.mjpg", {}))
            with pytest.raises(ViewsFull, match="at the station"):
                await stack.enter_async_context(views.open(f"P{VIEWS_MAX}", "a/clip", {}))

    asyncio.run(look())


def test_a_place_is_free_again_when_the_pole_did_not_answer() -> None:
    views = make_views(P1=ViewedPole(is_there=False))

    async def look() -> None:
        for _ in range(VIEWS_OF_POLE_MAX + 1):
            with pytest.raises(PoleUnreachable):
                async with views.open("P1", "yard/live.mjpg", {}):
                    pass

    asyncio.run(look())


def test_only_what_describes_the_pictures_is_passed_on() -> None:
    answer = LiveAnswer(
        206,
        {
            "content-type": "video/mp4",
            "Content-Length": "12",
            "Polewatch-At": "2026-11-22T17:33:05.120Z",
            "Polewatch-From": "x" * 301,
            "Polewatch-To": "a\x00b",
            "Location": "http://10.8.0.17/",
            "Set-Cookie": "polewatch=1",
            "Content-Security-Policy": "none",
            "Content-Disposition": "inline; filename=<script>",
        },
    )

    passed = pass_headers(answer)

    assert passed == LiveAnswer(
        206,
        {
            "content-type": "video/mp4",
            "Content-Length": "12",
            "Polewatch-At": "2026-11-22T17:33:05.120Z",
        },
    )
