"""Cameras of poles as a station passes them on: the yard that is drawn by code, live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from edge.errors import PoleWrong
from edge.station.ports.links import LiveAnswer, Stream
from tests.support.alert_book import clip_bytes
from tests.support.drawn_eyes import FPS, draw_jpeg
from tests.support.still_links import CannedStream

_BREAK = b"\r\n--frame\r\n"
Answer: TypeAlias = Callable[[str, str, Mapping[str, str]], Stream]
_AT = "2026-11-22T17:33:05.120Z"


class DrawnPictures:
    """Live pictures without an end."""

    answer = LiveAnswer(200, {"Content-Type": "multipart/x-mixed-replace; boundary=frame"})

    def __init__(self) -> None:
        self._number = -1

    async def read(self) -> bytes:
        self._number += 1
        if self._number == 0:
            return _BREAK
        await asyncio.sleep(1 / FPS)
        jpeg = draw_jpeg(self._number)
        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        return head.encode() + jpeg + _BREAK


def answer_drawn(cameras: Sequence[str]) -> Answer:
    """Make what `StillLinks` answers: cameras of these names, their snapshots, their pictures."""

    def answer(pole: str, path: str, query: Mapping[str, str]) -> Stream:
        del query
        name = path.rpartition("/")[2]
        if not path:
            return _whole("application/json", _list(cameras))
        if name == "snapshot.jpg":
            return _whole("image/jpeg", draw_jpeg(40))
        if name == "clip":
            return _whole("video/mp4", clip_bytes())
        if name == "live.mjpg":
            return DrawnPictures()
        raise PoleWrong(f"{pole}: {path} is not drawn")

    return answer


def _whole(kind: str, body: bytes) -> Stream:
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Polewatch-At": _AT}
    return CannedStream(LiveAnswer(200, headers), (body,))


def _list(cameras: Sequence[str]) -> bytes:
    items = [
        {
            "name": name, "kind": "visible", "watch": True, "streams": ["main"],
            "zones": [], "lines": [], "privacy": False, "state": "seeing", "since": _AT,
            "reason": "", "width": 1280, "height": 720, "fps": 15.0, "codec": "h264",
            "gop_s": 1.0, "awake": False, "links": {},
        }
        for name in cameras
    ]  # fmt: skip
    return msgspec.json.encode({"items": items})
