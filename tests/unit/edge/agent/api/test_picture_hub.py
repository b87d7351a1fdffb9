"""One view for all who watch: the latest picture, and an end for everybody when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from edge.agent.api.picture_hub import (
    PICTURE_BYTES_MAX,
    VIEWERS_MAX,
    PictureHub,
    PictureHubs,
    View,
)
from edge.errors import EyeRefused, MediaError
from edge.serving.problems import Problem
from tests.support.aio import run_async
from tests.support.fake_eyes import FakeEyes


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def open_yard(eyes: FakeEyes) -> Callable[[], View]:
    return lambda: eyes.view("yard", "jpeg", "main")


async def numbers(hub: PictureHub) -> list[int]:
    """The numbers of all pictures that one who is quick sees, to the end."""
    seen = [0]
    while picture := await hub.wait_for_next(seen[-1]):
        seen.append(picture.number)
    return seen[1:]


@run_async
async def test_slow_viewer_gets_the_latest_picture_and_a_quick_one_gets_all() -> None:
    eyes = FakeEyes("yard")
    hub = PictureHub(eyes.view("yard", "jpeg", "main"))
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run())
        quick = group.create_task(numbers(hub))
        await settle()
        for jpeg in (b"one", b"two", b"three"):
            eyes.show("yard", jpeg)
            await settle()
        slow = await hub.wait_for_next(1)
        assert slow is not None
        assert (slow.number, slow.jpeg) == (3, b"three")
        eyes.hang_up("yard")
    assert quick.result() == [1, 2, 3]
    assert eyes.views == []


@run_async
async def test_view_is_closed_and_all_hear_the_end_when_the_eye_hangs_up_in_mid_picture() -> None:
    eyes = FakeEyes("yard")
    hub = PictureHub(eyes.view("yard", "jpeg", "main"))
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run())
        viewers = [group.create_task(numbers(hub)) for _ in range(3)]
        await settle()
        eyes.show("yard", b"whole")
        eyes.send("yard", b"\0\0\0\xff half a pict")
        await settle()
        eyes.hang_up("yard")
    assert [viewer.result() for viewer in viewers] == [[1], [1], [1]]
    assert hub.is_over
    assert eyes.views == []


@run_async
async def test_refusal_of_the_eye_is_told_to_each_viewer() -> None:
    eyes = FakeEyes("yard")
    eyes.fault = EyeRefused("sub is no stream here")
    hub = PictureHub(eyes.view("yard", "jpeg", "sub"))
    await hub.run()
    for _ in range(2):
        with pytest.raises(EyeRefused, match="no stream here"):
            await hub.wait_for_next(0)


@run_async
async def test_picture_larger_than_any_camera_makes_ends_the_view() -> None:
    eyes = FakeEyes("yard")
    hub = PictureHub(eyes.view("yard", "jpeg", "main"))
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run())
        await settle()
        eyes.send("yard", (PICTURE_BYTES_MAX + 1).to_bytes(4, "big"))
    with pytest.raises(MediaError, match="16777217 bytes"):
        await hub.wait_for_next(0)


@run_async
async def test_one_view_serves_all_and_ends_with_the_last_of_them() -> None:
    eyes = FakeEyes("yard", "road")
    async with asyncio.TaskGroup() as group:
        hubs = PictureHubs(group)

        async with hubs.join("yard", "main", open_yard(eyes)) as first:
            async with hubs.join("yard", "main", open_yard(eyes)) as same:
                await settle()
                assert same is first
                assert len(eyes.views) == 1
            await settle()
            assert len(eyes.views) == 1
        await settle()
        assert eyes.views == []
        assert eyes.views_opened == 1


@run_async
async def test_who_comes_after_the_end_of_a_view_gets_a_new_one() -> None:
    eyes = FakeEyes("yard")
    async with asyncio.TaskGroup() as group:
        hubs = PictureHubs(group)
        async with hubs.join("yard", "main", open_yard(eyes)) as first:
            await settle()
            eyes.hang_up("yard")
            await settle()
            async with hubs.join("yard", "main", open_yard(eyes)) as next_:
                await settle()
                assert next_ is not first
            await settle()
            assert eyes.views == []


@run_async
async def test_one_viewer_too_many_is_refused_and_takes_nobodys_place() -> None:
    eyes = FakeEyes("yard")
    async with asyncio.TaskGroup() as group:
        hubs = PictureHubs(group)
        joined = [hubs.join("yard", "main", open_yard(eyes)) for _ in range(VIEWERS_MAX + 1)]
        for each in joined[:VIEWERS_MAX]:
            await each.__aenter__()
        with pytest.raises(Problem, match="64 watch yard"):
            await joined[VIEWERS_MAX].__aenter__()
        for each in joined[:VIEWERS_MAX]:
            await each.__aexit__(None, None, None)
        await settle()
        assert eyes.views == []
