"""A pole without disk and eyes for tests of the API: a log that keeps a list and can be jammed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.api.context import Pole
from edge.agent.eyes.eye_lines import TrackSeen
from edge.agent.health import Health, judge
from edge.agent.ports import (
    AlertPage,
    AlertSummary,
    AskedFile,
    CameraSet,
    EyeStatus,
    OldestUnacked,
    UnclosedAlert,
)
from edge.agent.tokens import Grant, Tokens, add_token
from edge.config import model
from edge.errors import EyeUnavailable
from edge.evidence import START_HASH, Sealed, SignedStatement
from edge.feeds import ClockReading, Draft, Feed, Head, Page
from edge.model import Json, KeptMedia
from tests.support.clocks import ManualClock

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ALL_SCOPES = ("read", "pictures", "ack", "look", "admin")


class ListLog:
    """Keeps drafts in a list; `jam()` is a disk that takes nothing until `clear()`."""

    pole = "SG-017"
    epoch = "k3f9"

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self._free = asyncio.Event()
        self._free.set()

    @property
    def fault(self) -> str | None:
        return None if self._free.is_set() else "the disk is full; make room"

    def jam(self) -> None:
        self._free.clear()

    def clear(self) -> None:
        self._free.set()

    def of(self, kind: str) -> list[Draft]:
        """The records of one kind."""
        return [draft for draft in self.drafts if draft.kind == kind]

    def head(self, feed: Feed) -> Head:
        count = sum(draft.feed == feed for draft in self.drafts)
        return Head(count, START_HASH, 1)

    async def append(self, drafts: Sequence[Draft]) -> list[Sealed]:
        self.drafts += drafts
        await self._free.wait()
        return [Sealed(b"{}", START_HASH) for _ in drafts]

    def waiting(self) -> list[Draft]:
        return [] if self._free.is_set() else self.drafts

    async def page(self, feed: Feed, *, after: int, limit: int, cameras: CameraSet) -> Page:
        return Page((), after, False, 1)

    async def wait_for_more(self, feed: Feed, *, after: int, timeout_s: float) -> bool:
        await asyncio.sleep(timeout_s)
        return False

    async def statements(self, feed: Feed, *, after: int, limit: int) -> list[SignedStatement]:
        return []

    async def alerts(
        self, *, only_open: bool, after: str | None, limit: int, cameras: CameraSet
    ) -> AlertPage:
        return AlertPage((), None)

    async def alert(self, alert: str) -> AlertSummary | None:
        return None

    async def unclosed_alerts(self) -> list[UnclosedAlert]:
        return []

    async def find_media(self, sha256: str) -> KeptMedia | None:
        return None

    async def ack(self, name: str, feed: Feed, seq: int) -> int:
        await self._free.wait()
        return seq

    async def acks(self, feed: Feed) -> Mapping[str, int]:
        return {}

    async def ack_media(self, name: str, hashes: Sequence[str]) -> list[str]:
        await self._free.wait()
        return list(hashes)

    async def oldest_unacked(self, keepers: frozenset[str]) -> OldestUnacked:
        return OldestUnacked(0, 0)


class StillEyes:
    """Eyes that only have a status; asked for anything else they do not run."""

    def __init__(self, *eyes: EyeStatus) -> None:
        self._eyes = {eye.name: eye for eye in eyes}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._eyes)

    def set(self, name: str, status: EyeStatus) -> None:
        """What is known of it from now on."""
        self._eyes[name] = status

    def status(self, name: str) -> EyeStatus:
        return self._eyes[name]

    def tracks(self, name: str) -> tuple[TrackSeen, ...]:
        return ()

    async def wait_for_tracks(self, name: str, *, timeout_s: float) -> bool:
        await asyncio.sleep(timeout_s)
        return False

    async def ask_file(self, name: str, command: str, arguments: Mapping[str, Json]) -> AskedFile:
        raise EyeUnavailable(f"{name} does not run; see health")

    def view(
        self, name: str, form: Literal["jpeg", "fragments"], stream: Literal["main", "sub"]
    ) -> AbstractAsyncContextManager[asyncio.StreamReader]:
        raise EyeUnavailable(f"{name} does not run; see health")


@dataclass
class Bench:
    """A pole to ask, and the parts of it that a test looks at or moves."""

    folder: Path
    log: ListLog = field(default_factory=ListLog)
    eyes: StillEyes = field(default_factory=StillEyes)
    clock: ManualClock = field(default_factory=ManualClock)
    config: model.Config = field(
        default_factory=lambda: model.Config(
            pole=model.Pole(id="SG-017", name="North gate"),
            cameras=tuple(
                model.Camera(name=name, main=f"rtsp://10.0.0.11/{name}")
                for name in ("road", "yard")
            ),
        )
    )

    def token(
        self, name: str = "desk", *scopes: str, cameras: tuple[str, ...] | None = None
    ) -> str:
        """Make a token; without scopes it has all."""
        grant = Grant(name, scopes or ALL_SCOPES, cameras)
        return add_token(self.folder, grant, made_at="2026-11-22T17:33:05.120Z")

    def pole(self) -> Pole:
        """Make the pole; call it once, inside the loop."""
        return Pole(
            self.config, self.log, self.eyes, Tokens(self.folder), self.clock, KEY.public_key(),
            lambda: ClockReading("synced", "boot-1", self.clock.monotonic_ns() // 1_000_000),
            self._make_id, self._judge, self.clock.utc_ms(),
        )  # fmt: skip

    def with_api(self, **changes: object) -> Bench:
        """The same with other settings of `[api]`."""
        api = replace(self.config.api, **changes)  # type: ignore[arg-type]
        self.config = replace(self.config, api=api)
        return self

    def _make_id(self) -> str:
        return f"01J{len(self.log.drafts):023d}"

    async def _judge(self) -> Health:
        eyes = [self.eyes.status(name) for name in self.eyes.names]
        clock = ClockReading("synced", "boot-1", 0)
        return judge(
            eyes,
            log_fault=self.log.fault,
            tokens_fault=None,
            oldest=OldestUnacked(0, 0),
            clock=clock,
        )
