"""A pole to look at in a browser: the real API and log, eyes that draw, alerts as a test wants.

`python -m tests.support.page_server` serves one until Ctrl-C, for work on the page.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import threading
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import av
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.api.app import make_app
from edge.agent.api.context import Pole
from edge.agent.feeds import ClockReading, Draft
from edge.agent.health import Health, judge
from edge.agent.log import PoleLog
from edge.agent.media import MEDIA_NAME, MediaFolder
from edge.agent.tokens import Grant, Tokens, add_token
from edge.clock import SystemClock, make_ids
from edge.config import model
from edge.model import Json
from edge.thirdparty.scene import HEIGHT, WALK_S, WIDTH, draw_moment
from edge.wire import format_utc
from tests.support.drawn_eyes import DrawnEyes, draw_jpeg, yard

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
CLIP_S = 6
CLIP_FPS = 8
PATIENCE_S = 30.0
TYPES = {"snapshot": "image/jpeg", "clip": "video/mp4"}
_Outcome = TypeVar("_Outcome")


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


class PageServer:
    """A pole on loopback, in a thread of its own; a context manager.

    `pole_name` and what alerts are given may be hostile: nothing here cleans them.
    """

    def __init__(
        self, folder: Path, *, cameras: tuple[model.Camera, ...], pole_name: str = "River bank"
    ) -> None:
        """`folder` is empty; the pole's zone is Asia/Shanghai."""
        self._folder = folder
        pole = model.Pole(id="SG-017", name=pole_name, timezone="Asia/Shanghai")
        self._config = model.Config(pole=pole, cameras=cameras)
        self._clock = SystemClock()
        self._make_id = make_ids(self._clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="page-server")
        self._stack = AsyncExitStack()
        self._alerts: dict[str, Draft] = {}
        self._port = 0

    def __enter__(self) -> PageServer:
        self._thread.start()
        try:
            self._run(self._start())
        except BaseException:
            self._stop_loop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.go_away()
        finally:
            self._run(self._stack.aclose())
            self._stop_loop()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._port}/"

    def make_token(self, name: str, *scopes: str, cameras: tuple[str, ...] | None = None) -> str:
        """Make a token of these scopes."""
        return add_token(
            self._folder, Grant(name, scopes, cameras), made_at=format_utc(self._clock.utc_ms())
        )

    def open_alert(self, *, age_s: float = 0.0, is_test: bool = False, **fields: Any) -> str:
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
        self._alerts[alert] = draft
        self._append(draft)
        return alert

    def close_alert(self, alert: str, *, age_s: float = 0.0, reason: str = "gone") -> None:
        """Close it."""
        at_ms = self._clock.utc_ms() - round(age_s * 1000)
        self._append(self._follow(alert, "alert.close", at_ms, {"reason": reason}))

    def say_of(self, alert: str, kind: str, data: Mapping[str, Json]) -> None:
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
        opened = self._alerts[alert]
        data: dict[str, Json] = {"role": role, "from_t": 0.0, "to_t": float(CLIP_S)}
        given = {"camera": opened.camera, "alert": alert, "data": data, "media": [file]}
        self._append(self._draft("media", "media.ready", self._clock.utc_ms(), given, False))

    def set_eye(self, name: str, state: Any, reason: str = "") -> None:
        """Change what is known of a camera."""
        self._loop.call_soon_threadsafe(self._eyes.set, name, state, reason)

    def count_records(self, feed: Any) -> int:
        """How many records a feed has."""
        return self._log.head(feed).seq

    def go_away(self) -> None:
        """Stop answering, and hang up on everybody; what is on record stays."""
        self._loop.call_soon_threadsafe(self._gone.set)
        self._run(self._end_serving())

    def come_back(self) -> None:
        """Answer again at the same address. Sessions are lost, as with a new process."""
        self._run(self._begin_serving())

    def hang_up(self) -> None:
        """Be gone from the network: no answers, every connection cut; sessions stay."""
        self._run(self._cut())

    def answer_again(self) -> None:
        """Be back at the same address."""
        self._run(self._open_door())

    def count_views(self) -> int:
        """How many live views are open at the eyes."""
        return self._eyes.view_count

    async def _start(self) -> None:
        self._log = await self._stack.enter_async_context(
            PoleLog(self._folder, self._config.pole, key=KEY, clock=self._clock)
        )
        self._eyes = DrawnEyes([camera.name for camera in self._config.cameras])
        await self._begin_serving()

    async def _begin_serving(self) -> None:
        self._gone, ready = asyncio.Event(), asyncio.Event()
        self._serving = asyncio.ensure_future(self._serve(ready))
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait((self._serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._serving.done():
            self._serving.result()

    async def _end_serving(self) -> None:
        await self._serving

    async def _serve(self, ready: asyncio.Event) -> None:
        """Be one server from its begin to its end, in one task: its parts own groups of tasks."""
        pole = Pole(
            self._config, self._log, self._eyes, Tokens(self._folder), self._clock,
            KEY.public_key(), self._read_clock, lambda: self._make_id(0), self._judge,
            self._clock.utc_ms(),
        )  # fmt: skip
        self._runner = web.AppRunner(make_app(pole), shutdown_timeout=0.1)
        try:
            await self._runner.setup()
            await self._open_door()
            ready.set()
            await self._gone.wait()
        finally:
            await self._runner.cleanup()

    async def _open_door(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def _cut(self) -> None:
        await self._site.stop()
        assert self._runner.server is not None
        for connection in list(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def _judge(self) -> Health:
        eyes = [self._eyes.status(name) for name in self._eyes.names]
        oldest = await self._log.oldest_unacked(frozenset({"station"}))
        return judge(
            eyes,
            log_fault=self._log.fault,
            oldest=oldest,
            clock=self._read_clock(),
            tokens_fault=None,
        )

    def _read_clock(self) -> ClockReading:
        return ClockReading("synced", "boot-1", self._clock.monotonic_ns() // 1_000_000)

    def _follow(self, alert: str, kind: str, at_ms: int, data: Mapping[str, Json]) -> Draft:
        opened = self._alerts[alert]
        given = {"camera": opened.camera, "alert": alert, "data": data}
        if kind == "alert.close":
            given |= {"severity": opened.severity, "rule": opened.rule}
        return self._draft("alerts", kind, at_ms, given, opened.is_test)

    def _draft(
        self, feed: Any, kind: str, at_ms: int, given: Mapping[str, Any], is_test: bool
    ) -> Draft:
        clock = self._read_clock()
        return Draft(feed, self._make_id(0), kind, at_ms, clock, is_test=is_test, **given)

    def _append(self, draft: Draft) -> None:
        self._run(self._log.append([draft]))

    def _run(self, work: Coroutine[Any, Any, _Outcome]) -> _Outcome:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


def make_camera(name: str) -> model.Camera:
    """A camera with a zone and a line that suit the drawn yard."""
    corners = ((0.3, 0.62), (0.98, 0.62), (0.98, 0.97), (0.3, 0.97))
    return model.Camera(
        name=name,
        main=f"rtsp://10.0.0.11/{name}",
        zones=(model.Zone(name="yard", points=corners),),
        lines=(model.Line(name="path", start=(0.12, 0.5), end=(0.22, 0.95)),),
    )


def add_sample_alerts(server: PageServer) -> None:
    """Open alerts as a bad night has them, on cameras `yard`, `road` and `gate`."""
    for age_s, severity, rule, camera in (
        (4000, "minor", {"type": "parking", "name": "kerb"}, "road"),
        (1500, "major", {"type": "system", "name": "camera_lost"}, "gate"),
        (200, "critical", {"type": "fire", "name": "shed"}, "yard"),
        (40, "major", {"type": "intrusion", "name": "fence"}, "yard"),
    ):
        data = {"label": "car"} if camera == "road" else {}
        alert = server.open_alert(
            age_s=age_s, severity=severity, rule=rule, camera=camera, data=data
        )
        if camera != "gate":
            server.add_picture(alert, "snapshot")
        if camera == "yard":
            server.add_picture(alert, "clip")
        if camera == "road":
            server.close_alert(alert, age_s=3000)
            server.say_of(alert, "alert.ack", {"by": "desk-2", "note": None})


def main() -> None:
    """Serve a pole with four cameras until Ctrl-C."""
    cameras = tuple(make_camera(name) for name in ("yard", "road", "gate", "square"))
    with (
        tempfile.TemporaryDirectory(prefix="polewatch-") as folder,
        PageServer(Path(folder), cameras=cameras) as server,
    ):
        add_sample_alerts(server)
        server.set_eye("gate", "lost", "the camera does not answer; check its cable")
        token = server.make_token("desk-1", "read", "pictures", "ack")
        print(f"{server.url}#token={token}", flush=True)  # noqa: T201 - for the one who started it
        threading.Event().wait()


if __name__ == "__main__":
    main()
