"""Writes alerts into a pole's log as a test wants them, with pictures of the drawn yard."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import av

from edge.agent.media import MEDIA_NAME, MediaFolder
from edge.clock import SystemClock, make_ids
from edge.feeds import ClockReading, Draft
from edge.model import Json
from edge.thirdparty.scene import HEIGHT, WALK_S, WIDTH, draw_moment
from tests.support.drawn_eyes import draw_jpeg, yard

CLIP_S = 6
CLIP_FPS = 8
TYPES = {"snapshot": "image/jpeg", "clip": "video/mp4"}


@cache
def clip_bytes() -> bytes:
    """A clip of the walk that a browser plays: H.264 in MP4, `CLIP_S` long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=CLIP_FPS)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number in range(CLIP_S * CLIP_FPS):
                picture = draw_moment(yard(), WALK_S[0] + 3 + number / CLIP_FPS)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


class AlertBook:
    """Alerts of one pole. What they are given may be hostile: nothing here cleans it."""

    def __init__(self, folder: Path, append: Callable[[Draft], None]) -> None:
        """`folder` is the pole's data folder; `append` puts a record into its log."""
        self._folder = folder
        self._append = append
        self._clock = SystemClock()
        self._make_id = make_ids(self._clock)
        self._opened: dict[str, Draft] = {}

    def open(self, *, age_s: float = 0.0, is_test: bool = False, **fields: Any) -> str:
        """Open an alert that began some time ago; the id of it.

        `fields` are those of a `Draft`; without them an intrusion at the fence of camera yard.
        """
        given: dict[str, Any] = {
            "severity": "major",
            "camera": "yard",
            "rule": {"type": "intrusion", "name": "fence"},
            "data": {"label": "person"},
            **fields,
        }
        alert = self._make_id(0)
        at_ms = self._clock.utc_ms() - round(age_s * 1000)
        draft = self._draft("alerts", "alert.open", at_ms, {**given, "alert": alert}, is_test)
        self._opened[alert] = draft
        self._append(draft)
        return alert

    def close(self, alert: str, *, age_s: float = 0.0, reason: str = "gone") -> None:
        """Close it."""
        at_ms = self._clock.utc_ms() - round(age_s * 1000)
        self._append(self._follow(alert, "alert.close", at_ms, {"reason": reason}))

    def say(self, alert: str, kind: str, data: Mapping[str, Json]) -> None:
        """Acknowledge or resolve it, as somebody at another desk would."""
        self._append(self._follow(alert, kind, self._clock.utc_ms(), data))

    def add_picture(self, alert: str, role: str, content: bytes | None = None) -> None:
        """Give an alert its `snapshot` or `clip`: of the walk, or other bytes."""
        drawn = clip_bytes() if role == "clip" else draw_jpeg(40)
        content = drawn if content is None else content
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._folder / "made"
        path.write_bytes(content)
        MediaFolder(self._folder / MEDIA_NAME).adopt(self._folder, "made", sha256=sha256)
        file: dict[str, Json] = {
            "role": role,
            "type": TYPES[role],
            "bytes": len(content),
            "sha256": sha256,
            "href": f"/v1/media/{sha256}",
        }
        opened = self._opened[alert]
        data: dict[str, Json] = {"role": role, "from_t": 0.0, "to_t": float(CLIP_S)}
        given = {"camera": opened.camera, "alert": alert, "data": data, "media": [file]}
        self._append(self._draft("media", "media.ready", self._clock.utc_ms(), given, False))

    def _follow(self, alert: str, kind: str, at_ms: int, data: Mapping[str, Json]) -> Draft:
        opened = self._opened[alert]
        given = {"camera": opened.camera, "alert": alert, "data": data}
        if kind == "alert.close":
            given |= {"severity": opened.severity, "rule": opened.rule}
        return self._draft("alerts", kind, at_ms, given, opened.is_test)

    def _draft(
        self, feed: Any, kind: str, at_ms: int, given: Mapping[str, Any], is_test: bool
    ) -> Draft:
        clock = ClockReading("synced", "boot-1", self._clock.monotonic_ns() // 1_000_000)
        return Draft(feed, self._make_id(0), kind, at_ms, clock, is_test=is_test, **given)
