"""A camera's clock is read over the network as real cameras tell it, and as bad ones do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from edge.agent.eyes import camera_time
from edge.agent.eyes.camera_time import ask_offset
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.rtsp_server import GstRtspServer
from tests.support.video import make_clip

OFF_S = 7.4
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def tell_date(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        date = formatdate(int(time.time() + OFF_S), usegmt=True)
        writer.write(f"RTSP/1.0 200 OK\r\nCSeq: 1\r\nDate: {date}\r\n\r\n".encode())


async def stand_still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"RTSP/1.0 200 OK\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\n\r\n")


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def never_end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"Date: now" * 1000)
        await writer.drain()


async def tell_onvif(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"POST /onvif/device_service ")
    told = time.gmtime(time.time() - OFF_S)
    clock = f"<tt:Hour>{told.tm_hour}</tt:Hour><tt:Minute>{told.tm_min}</tt:Minute>"
    clock += f"<tt:Second>{told.tm_sec}</tt:Second>"
    day = f"<tt:Year>{told.tm_year}</tt:Year><tt:Month>{told.tm_mon}</tt:Month>"
    day += f"<tt:Day>{told.tm_mday}</tt:Day>"
    body = f"<tt:UTCDateTime>{clock}{day}</tt:UTCDateTime>"
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


@asynccontextmanager
async def camera(answer: Answer) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@run_async
async def test_clock_of_a_real_rtsp_server_is_this_machines(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4")
    with GstRtspServer(tmp_path / "clip.mp4") as server:
        found = await ask_offset(server.url, Passing())
    assert found is not None, "it tells its time"
    assert found.by == "rtsp"
    assert abs(found.off_s) - found.within_s <= 0.1


@run_async
async def test_camera_that_is_off_is_found_to_be_so() -> None:
    async with camera(tell_date) as port:
        found = await ask_offset(f"rtsp://user:pass@127.0.0.1:{port}/main", Passing())
    assert found is not None
    assert abs(found.off_s - OFF_S) - found.within_s <= 0.1


@run_async
async def test_onvif_is_asked_where_nothing_else_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    async with camera(hang_up) as rtsp, camera(tell_onvif) as onvif:
        monkeypatch.setattr(camera_time, "ONVIF_PORT", onvif)
        found = await ask_offset(f"rtsp://127.0.0.1:{rtsp}/main", Passing())
    assert found is not None
    assert found.by == "onvif"
    assert abs(found.off_s + OFF_S) - found.within_s <= 0.1


@pytest.mark.parametrize("answer", [stand_still, hang_up, say_nothing, never_end])
@run_async
async def test_camera_that_tells_no_time_is_left_alone(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_time, "ASK_S_MAX", 0.5)
    monkeypatch.setattr(camera_time, "ONVIF_PORT", 1)
    async with camera(answer) as port:
        assert await ask_offset(f"rtsp://127.0.0.1:{port}/main", Passing()) is None


@pytest.mark.parametrize("source", ["clip.mp4", "v4l2:/dev/video0", "rtsp://127.0.0.1:99999/x"])
@run_async
async def test_what_is_no_network_camera_is_not_asked(source: str) -> None:
    assert await ask_offset(source, Passing()) is None
