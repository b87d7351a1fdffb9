"""A station to look at in a browser: the real API over poles and alerts as a test wants them.

`python -m tests.support.station_scene` serves a large one until Ctrl-C, for work on the page.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import SystemClock, make_ids
from edge.feeds import ClockReading, Draft, Severity
from edge.model import Json, KeptMedia
from edge.serving.door import Door
from edge.serving.server import serve
from edge.serving.token_text import hash_token
from edge.station import config
from edge.station.api.app import make_app
from edge.station.api.context import Part, StationContext
from edge.station.config import Role, StationConfig, User
from edge.station.desk_alert import TransferState
from edge.station.desk_fold import FileStand
from tests.support.alert_book import CLIP_S, TYPES, clip_bytes
from tests.support.drawn_cameras import answer_drawn
from tests.support.drawn_eyes import draw_jpeg
from tests.support.loop_thread import LoopThread
from tests.support.memory_store import MemoryStore
from tests.support.still_links import StillLinks, make_view

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STATION = "station"
CAMERAS = ("road", "yard")
TOKENS: Mapping[Role, str] = {
    role: f"pw_{role}-of-a-test-station" for role in ("viewer", "operator", "supervisor")
}
"""The tokens of `wang` (viewer), `chen` (operator) and `li` (supervisor)."""
PEOPLE: Mapping[Role, str] = {"viewer": "wang", "operator": "chen", "supervisor": "li"}


class ServedStation:
    """A station on loopback, in a thread of its own; a context manager."""

    def __init__(
        self,
        folder: Path,
        poles: Mapping[str, str | None],
        *,
        about: config.Station | None = None,
        geojson: bytes | None = None,
    ) -> None:
        """`folder` is empty; `poles` by name with their sites."""
        self._folder, self._geojson = folder, geojson
        about = about or config.Station(id=STATION, name="Duty desk", timezone="Asia/Shanghai")
        sites = tuple(
            config.PoleSite(name=name, url="http://127.0.0.1:1", token_file="x", site=site)
            for name, site in poles.items()
        )
        users = tuple(
            User(name=PEOPLE[role], token_hash=hash_token(TOKENS[role]), role=role)
            for role in PEOPLE
        )
        api = config.StationApi(listen="127.0.0.1:0")
        self._config = StationConfig(station=about, poles=sites, users=users, api=api)
        self._clock = SystemClock()
        self._make_id = make_ids(self._clock)
        self._loop = LoopThread()
        self._stack = AsyncExitStack()
        self._opened: dict[str, tuple[str, Draft]] = {}
        self.parts: list[Part] = []
        self.links = StillLinks(
            {name: make_view(name, site=site) for name, site in poles.items()},
            answer=answer_drawn(CAMERAS),
        )
        self._sites = dict(poles)
        self.store: MemoryStore
        self._address = "127.0.0.1:0"

    def __enter__(self) -> Self:
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
            self._loop.stop()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self._address}/"

    def go_away(self) -> None:
        """Stop answering, and hang up on everybody; what is kept stays."""
        self._loop.run(self._stack.aclose())

    def come_back(self) -> None:
        """Answer again at the same address. Sessions are lost, as with a new process."""
        self._loop.run(self._serve())

    def _read_clock(self) -> ClockReading:
        return ClockReading("synced", "boot-1", self._clock.monotonic_ns() // 1_000_000)

    def _call(self, work: Any) -> None:
        """Do something in the station's thread, and wait until it is done."""

        async def do() -> None:
            work()

        self._loop.run(do())

    async def _start(self) -> None:
        self.store = MemoryStore(STATION, self._sites, self._clock)
        await self._serve()

    async def _serve(self) -> None:
        """Be one server until it goes away, in a task of its own: its parts own groups of tasks."""
        ready, gone = asyncio.Event(), asyncio.Event()
        serving = asyncio.ensure_future(self._be_server(ready, gone))

        async def end() -> None:
            gone.set()
            await serving

        self._stack.push_async_callback(end)
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if serving.done():
            serving.result()

    async def _be_server(self, ready: asyncio.Event, gone: asyncio.Event) -> None:
        station = StationContext(
            config=self._config,
            desk=self.store,
            arrivals=self.store,
            links=self.links,
            clock=self._clock,
            read_clock=self._read_clock,
            make_id=lambda: self._make_id(0),
            public_key=KEY.public_key(),
            begun_ms=self._clock.utc_ms(),
            judge_parts=lambda: self.parts,
            geojson=self._geojson,
        )
        async with serve(make_app(station), Door(self._address)) as (address,):
            self._address = address
            ready.set()
            await gone.wait()


class StationServer(ServedStation):
    """A served station with poles and alerts as a test wants them.

    What it is given may be hostile: nothing here cleans it.
    """

    def set_pole(self, name: str, **fields: Any) -> None:
        """Change what is known of a pole; fields of `PoleView`."""
        self._loop.call(lambda: self.links.set(name, **fields))

    def jam(self) -> None:
        """The station's disk takes nothing any more."""
        self._loop.call(self.store.jam)

    def unjam(self) -> None:
        """It does again."""
        self._loop.call(self.store.clear)

    def open_alert(
        self, pole: str, *, age_s: float = 0.0, late_s: float = 0.0, **fields: Any
    ) -> str:
        """Open an alert; its id.

        Args:
            pole: whose; the station's id for one of its own.
            age_s: how long ago it came here.
            late_s: how long before that it happened.
            fields: those of a `Draft`; without them an intrusion at the fence of camera yard.
                `clock_ahead_ms` and `flaw` are those of `Origin`.
        """
        given: dict[str, Any] = {
            "severity": "major",
            "camera": "yard",
            "rule": {"type": "intrusion", "name": "fence"},
            "data": {"label": "person"},
            "where": {"box": [0.4, 0.3, 0.55, 0.8]},
            **fields,
        }
        origin = {key: given.pop(key) for key in ("clock_ahead_ms", "flaw") if key in given}
        received_ms = self._clock.utc_ms() - round(age_s * 1000)
        at_ms = received_ms - round(late_s * 1000)
        alert = self._make_id(0)
        draft = self._draft("alerts", "alert.open", at_ms, {**given, "alert": alert})
        self._opened[alert] = (pole, draft)
        self._take(pole, draft, received_ms=received_ms, is_own=pole == STATION, **origin)
        return alert

    def update_alert(self, alert: str, *, severity: Severity) -> None:
        """Make it worse, or less bad."""
        self._follow(alert, "alert.update", {"severity": severity, "data": {}})

    def close_alert(self, alert: str, reason: str = "gone") -> None:
        """Close it."""
        self._follow(alert, "alert.close", {"data": {"reason": reason}})

    def say(self, alert: str, kind: str, by: str, **data: Json) -> None:
        """Have somebody at another desk say something: `alert.ack` and the like."""
        pole, opened = self._opened[alert]
        given = {"camera": opened.camera, "alert": alert, "data": {"pole": pole, "by": by, **data}}
        draft = self._draft("alerts", kind, self._clock.utc_ms(), given)
        self._loop.run(self.store.say([draft]))

    def refuse_word(self, alert: str, reason: str) -> None:
        """Have its pole refuse for good what was said of it."""
        pole, _ = self._opened[alert]
        self._call(lambda: self.store.refuse(pole, alert, reason))

    def add_file(
        self, alert: str, role: str, content: bytes | None = None, *, is_here: bool = True
    ) -> str:
        """Give an alert its `snapshot` or `clip`, here or still to come; its hash."""
        pole, opened = self._opened[alert]
        drawn = clip_bytes() if role == "clip" else draw_jpeg(40)
        content = drawn if content is None else content
        sha256 = hashlib.sha256(content).hexdigest()
        item: dict[str, Json] = {
            "role": role, "type": TYPES[role], "bytes": len(content), "sha256": sha256,
            "href": f"/v1/media/{sha256}",
        }  # fmt: skip
        given = {
            "camera": opened.camera, "alert": alert, "media": [item],
            "data": {"role": role, "from_t": 0.0, "to_t": float(CLIP_S)},
        }  # fmt: skip
        self._take(pole, self._draft("media", "media.ready", self._clock.utc_ms(), given))
        (self._folder / sha256).write_bytes(content)
        if is_here:
            self.bring_file(alert, sha256)
        return sha256

    def bring_file(self, alert: str, sha256: str) -> None:
        """A file has come."""
        pole, opened = self._opened[alert]
        path = self._folder / sha256
        kind = TYPES["clip"] if path.read_bytes()[4:8] == b"ftyp" else TYPES["snapshot"]
        cameras = frozenset({opened.camera} if opened.camera else ())
        kept = KeptMedia(sha256, path.stat().st_size, kind, path, cameras)
        self._call(lambda: self.store.add_file(pole, alert, kept))

    def set_file(self, alert: str, sha256: str, state: TransferState, reason: str = "") -> None:
        """Say how far a file has come."""
        pole, _ = self._opened[alert]
        self._call(lambda: self.store.set_file(pole, alert, sha256, FileStand(state, reason)))

    def drafts(self, kind: str) -> list[Draft]:
        """The station's own records of a kind: `access`, `alert.ack` and the like."""
        return self.store.of(kind)

    def _follow(self, alert: str, kind: str, given: Mapping[str, Any]) -> None:
        pole, opened = self._opened[alert]
        fields = {"camera": opened.camera, "alert": alert, "severity": opened.severity, **given}
        draft = self._draft("alerts", kind, self._clock.utc_ms(), fields)
        self._take(pole, draft, is_own=pole == STATION)

    def _draft(self, feed: Any, kind: str, at_ms: int, given: Mapping[str, Any]) -> Draft:
        return Draft(feed, self._make_id(0), kind, at_ms, self._read_clock(), **given)

    def _take(self, pole: str, draft: Draft, **origin: Any) -> None:
        self._call(lambda: self.store.take(pole, draft, **origin))
