"""A camera's pictures through a station from a real pole: by token, on record at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession

from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite
from edge.station.ports.links import Stream
from edge.station.pulling.live import VIEWS_OF_POLE_MAX, LiveViews
from edge.station.pulling.pole_client import HttpPoleClient
from tests.support.aio import run_async, wait_until
from tests.support.page_server import PageServer, make_camera
from tests.support.station_bench import StationBench, asking, headers_of
from tests.support.still_links import StillLinks, make_view

pytestmark = pytest.mark.timeout(120)

CAMERA = "/v1/poles/SG-017/cameras/yard"


@dataclass
class RealLinks(StillLinks):
    """Views as a test says, and live pictures from a real pole."""

    live: LiveViews | None = None

    def open_live(
        self, pole: str, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        assert self.live is not None
        return self.live.open(pole, path, query, reason=reason)


@pytest.fixture
def pole(tmp_path: Path) -> Iterator[PageServer]:
    with PageServer(tmp_path / "pole", cameras=(make_camera("yard"),)) as server:
        yield server


@asynccontextmanager
async def through_station(
    folder: Path, pole: PageServer
) -> AsyncIterator[tuple[ClientSession, StationBench]]:
    """A desk of a station that reaches this pole."""
    token_file = folder / "SG-017.token"
    token_file.write_text(pole.make_token("station", "read", "pictures", "ack"))
    token_file.chmod(0o600)
    site = PoleSite(name="SG-017", url=pole.url.rstrip("/"), token_file=str(token_file))
    links = RealLinks({"SG-017": make_view("SG-017", cameras=("yard",))})
    bench = StationBench(links=links)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(HttpPoleClient(site, ClientContexts(None)))
        links.live = LiveViews({"SG-017": client})
        yield await stack.enter_async_context(asking(bench)), bench


def audit_of(pole: PageServer) -> int:
    return pole.count_records("audit")


@run_async
async def test_snapshot_and_cameras_come_through(tmp_path: Path, pole: PageServer) -> None:
    async with through_station(tmp_path, pole) as (desk, bench):
        async with desk.get(f"{CAMERA}/snapshot.jpg", headers=headers_of("wang")) as answer:
            assert answer.status == 200
            assert (await answer.read()).startswith(b"\xff\xd8")
            assert answer.headers["Polewatch-At"].endswith("Z")
        async with desk.get("/v1/poles/SG-017/cameras", headers=headers_of("wang")) as answer:
            assert [each["name"] for each in (await answer.json())["items"]] == ["yard"]
        assert [draft.data["by"] for draft in bench.store.of("access")] == ["wang"]
    assert audit_of(pole) == 1


@run_async
async def test_live_is_on_record_at_both_ends_and_ends_with_its_viewer(
    tmp_path: Path, pole: PageServer
) -> None:
    async with through_station(tmp_path, pole) as (desk, bench):
        async with desk.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang")) as answer:
            assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
            begun = b""
            while b"\xff\xd8" not in begun:
                begun += await answer.content.readany()
            assert b"pw_" not in begun
            await wait_until(lambda: pole.count_views() == 1)
            assert (len(bench.store.of("access")), audit_of(pole)) == (1, 1)
        await wait_until(lambda: pole.count_views() == 0)


@run_async
async def test_live_ends_when_the_pole_goes(tmp_path: Path, pole: PageServer) -> None:
    async with through_station(tmp_path, pole) as (desk, _):
        answer = await desk.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang"))
        await answer.content.readany()
        await asyncio.to_thread(pole.hang_up)
        with pytest.raises((ClientPayloadError, ClientConnectionError)):
            await answer.read()
        async with desk.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang")) as refused:
            assert refused.status == 503
            detail = (await refused.json())["detail"]
        assert detail.startswith("SG-017 does not answer just now")
        assert "127.0.0.1" not in detail


@run_async
async def test_what_a_pole_refuses_is_told_in_its_words(tmp_path: Path, pole: PageServer) -> None:
    pole.set_eye("yard", "lost", "rtsp://10.0.0.11/yard: the camera does not answer")
    async with (
        through_station(tmp_path, pole) as (desk, _),
        desk.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang")) as answer,
    ):
        assert answer.status == 503
        detail = (await answer.json())["detail"]
    assert detail.startswith("SG-017 says: camera yard gives no pictures now (lost)")
    assert "10.0.0.11" not in detail


@run_async
async def test_one_view_too_many_is_refused_and_its_place_comes_free(
    tmp_path: Path, pole: PageServer
) -> None:
    async with through_station(tmp_path, pole) as (desk, _):
        views = [
            await desk.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang"))
            for _ in range(VIEWS_OF_POLE_MAX)
        ]
        async with desk.get(f"{CAMERA}/live.mjpg", headers=headers_of("wang")) as answer:
            assert answer.status == 503
            assert "views of SG-017 are open" in (await answer.json())["detail"]
        for view in views:
            view.close()

        statuses: list[int] = []
        while not statuses or statuses[-1] != 200:
            async with desk.get(f"{CAMERA}/snapshot.jpg", headers=headers_of("wang")) as answer:
                statuses.append(answer.status)
        assert set(statuses) <= {200, 503}
