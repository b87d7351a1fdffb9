"""A pole to look at in a browser: the real API and log, eyes that draw, alerts as a test wants.

`python -m tests.support.page_server` serves one until Ctrl-C, for work on the page.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.api.app import make_app
from edge.agent.api.context import Pole
from edge.agent.health import Health, judge
from edge.agent.log.pole_log import PoleLog
from edge.agent.tokens import Grant, Tokens, add_token
from edge.clock import SystemClock, make_ids
from edge.config import model
from edge.feeds import ClockReading, Draft
from edge.wire import format_utc
from tests.support.alert_book import AlertBook
from tests.support.drawn_eyes import DrawnEyes
from tests.support.loop_thread import LoopThread

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


class PageServer:
    """A pole on loopback, in a thread of its own; a context manager.

    Alerts are written by its `book`. Names may be hostile: nothing here cleans them.
    """

    def __init__(
        self, folder: Path, *, cameras: tuple[model.Camera, ...], pole_name: str = "River bank"
    ) -> None:
        """`folder` is empty; the pole's zone is Asia/Shanghai."""
        self._folder = folder
        pole = model.Pole(id="SG-017", name=pole_name, timezone="Asia/Shanghai")
        self._config = model.Config(pole=pole, cameras=cameras)
        self._clock = SystemClock()
        self._loop = LoopThread()
        self._stack = AsyncExitStack()
        self.book = AlertBook(folder, lambda draft: self._loop.run(self._append(draft)))
        self._port = 0

    def __enter__(self) -> PageServer:
        self._loop.start()
        try:
            self._loop.run(self._start())
        except BaseException:
            self._loop.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.go_away()
        finally:
            self._loop.run(self._stack.aclose())
            self._loop.stop()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._port}/"

    def make_token(self, name: str, *scopes: str, cameras: tuple[str, ...] | None = None) -> str:
        """Make a token of these scopes."""
        return add_token(
            self._folder, Grant(name, scopes, cameras), made_at=format_utc(self._clock.utc_ms())
        )

    def set_eye(self, name: str, state: Any, reason: str = "") -> None:
        """Change what is known of a camera."""
        self._loop.call(self._eyes.set, name, state, reason)

    def count_records(self, feed: Any) -> int:
        """How many records a feed has."""
        return self._log.head(feed).seq

    def go_away(self) -> None:
        """Stop answering, and hang up on everybody; what is on record stays."""
        self._loop.run(self._end_serving())

    def come_back(self) -> None:
        """Answer again at the same address. Sessions are lost, as with a new process."""
        self._loop.run(self._begin_serving())

    def hang_up(self) -> None:
        """Be gone from the network: no answers, every connection cut; sessions stay."""
        self._loop.run(self._cut())

    def answer_again(self) -> None:
        """Be back at the same address."""
        self._loop.run(self._open_door())

    def count_views(self) -> int:
        """How many live views are open at the eyes."""
        return self._eyes.view_count

    async def _append(self, draft: Draft) -> None:
        await self._log.append([draft])

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
        self._gone.set()
        await self._serving

    async def _serve(self, ready: asyncio.Event) -> None:
        """Be one server from its begin to its end, in one task: its parts own groups of tasks."""
        pole = Pole(
            self._config, self._log, self._eyes, Tokens(self._folder), self._clock,
            KEY.public_key(), read_clock, lambda: make_ids(self._clock)(0), self._judge,
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
            clock=read_clock(),
            tokens_fault=None,
        )


def read_clock() -> ClockReading:
    """A clock that is right."""
    return ClockReading("synced", "boot-1", SystemClock().monotonic_ns() // 1_000_000)


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
        (4000, "minor", {"type": "line", "name": "path"}, "road"),
        (1500, "major", {"type": "system", "name": "camera_lost"}, "gate"),
        (200, "critical", {"type": "intrusion", "name": "shed"}, "yard"),
        (40, "major", {"type": "loiter", "name": "fence"}, "yard"),
    ):
        label = {"road": "car", "yard": "person"}.get(camera)
        data = {} if label is None else {"label": label}
        alert = server.book.open(
            age_s=age_s, severity=severity, rule=rule, camera=camera, data=data
        )
        if camera != "gate":
            server.book.add_picture(alert, "snapshot")
        if camera == "yard":
            server.book.add_picture(alert, "clip")
        if camera == "road":
            server.book.close(alert, age_s=3000)
            server.book.say(alert, "alert.ack", {"by": "desk-2", "note": None})


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
