"""The tracks of an eye as it last told them."""

from __future__ import annotations

import asyncio

from edge.agent.eyes.eye_lines import TrackSeen
from edge.agent.eyes.live_tracks import TRACKS_MAX, LiveTracks
from tests.support.aio import run_async


def seen(track: int, phase: str = "update", x: float = 0.0) -> TrackSeen:
    return TrackSeen("yard", 1.0, "2026-01-01T00:00:00Z", phase, track, "car", (x, 0, 1, 1), False)  # type: ignore[arg-type]


def test_tracks_are_kept_from_opening_to_close() -> None:
    tracks = LiveTracks()
    for line in (
        seen(1, "open"),
        seen(2, "open"),
        seen(1, x=0.5),
        seen(2, "close"),
        seen(9, "close"),
    ):
        tracks.take(line)
    assert [(each.track, each.box[0]) for each in tracks.all()] == [(1, 0.5)]
    tracks.clear()
    assert tracks.all() == ()


def test_oldest_goes_when_an_eye_never_closes_its_tracks() -> None:
    tracks = LiveTracks()
    for number in range(10_000):
        tracks.take(seen(number))
    assert len(tracks.all()) == TRACKS_MAX
    assert tracks.all()[-1].track == 9_999


@run_async
async def test_all_who_wait_are_told_of_each_news_and_nobody_of_old_ones() -> None:
    tracks = LiveTracks()
    tracks.take(seen(1))
    assert await tracks.wait(0) is False
    waiting = [asyncio.ensure_future(tracks.wait(10)) for _ in range(3)]
    await asyncio.sleep(0)
    tracks.take(seen(1, "close"))
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert await tracks.wait(0) is False
