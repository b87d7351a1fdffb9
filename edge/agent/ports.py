"""What the API needs of the pole, one small Protocol each: its log and its eyes.

`log/pole_log.py` and `eyes/pole_eyes.py` give them; fakes behaving badly stand in `tests/support/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol, TypeAlias

from edge.agent.eyes.eye_lines import SightProof, Source, TrackSeen
from edge.evidence import Sealed, SignedStatement
from edge.feeds import Draft, Feed, Head, Page, Severity
from edge.model import Json, KeptMedia

CameraSet: TypeAlias = frozenset[str] | None
"""The cameras that somebody may see; None: all, and what belongs to no camera."""


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """An alert as its records have made it; `body` is its JSON, see docs/ref/api.md."""

    id: str
    camera: str | None
    is_open: bool
    is_acked: bool
    verdict: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts, worst first; `next_id` is where the next page goes on, None on the last one."""

    alerts: tuple[AlertSummary, ...]
    next_id: str | None


@dataclass(frozen=True, slots=True)
class UnclosedAlert:
    """An alert without its close, as an agent finds it that was cut off."""

    id: str
    camera: str | None
    severity: Severity
    rule: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class OldestUnacked:
    """The oldest alert that the keepers have not acknowledged; none: `seq` 0."""

    seq: int
    at_ms: int


class Log(Protocol):
    """The pole's log, for one event loop."""

    @property
    def pole(self) -> str:
        """Id of the pole."""
        ...

    @property
    def epoch(self) -> str:
        """This life of the log."""
        ...

    @property
    def fault(self) -> str | None:
        """Why the disk takes no records just now; None while it does."""
        ...

    def head(self, feed: Feed) -> Head:
        """Where a feed ends and begins; from memory."""
        ...

    async def append(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Write records; on disk when it returns. Cancelling the wait does not take them back.

        Raises:
            EvidenceError: a draft holds what can't be sealed.
        """
        ...

    def waiting(self) -> Sequence[Draft]:
        """Records that are not on disk yet, in order; many, while the disk takes none."""
        ...

    async def page(self, feed: Feed, *, after: int, limit: int, cameras: CameraSet) -> Page:
        """Read the records after a place, of these cameras only; `next_seq` is the last looked at.

        Raises:
            StoreError: it can't be read.
        """
        ...

    async def wait_for_more(self, feed: Feed, *, after: int, timeout_s: float) -> bool:
        """Wait until a feed has records after a place; false: not in this time."""
        ...

    async def statements(self, feed: Feed, *, after: int, limit: int) -> list[SignedStatement]:
        """What was signed of a feed's places after one, in order."""
        ...

    async def alerts(
        self, *, only_open: bool, after: str | None, limit: int, cameras: CameraSet
    ) -> AlertPage:
        """Alerts by falling severity, then the newest first; `after` is the last one seen."""
        ...

    async def alert(self, alert: str) -> AlertSummary | None:
        """One alert."""
        ...

    async def unclosed_alerts(self) -> list[UnclosedAlert]:
        """Alerts that were opened and not closed, the oldest first."""
        ...

    async def find_media(self, sha256: str) -> KeptMedia | None:
        """A finished file that a record names and that is still here."""
        ...

    async def ack(self, name: str, feed: Feed, seq: int) -> int:
        """Note that a token's owner has everything up to `seq`; it never goes back.

        Returns:
            What counts now: `seq`, or what had been acknowledged before if that was more.
        """
        ...

    async def acks(self, feed: Feed) -> Mapping[str, int]:
        """What each token's owner has acknowledged of a feed."""
        ...

    async def ack_media(self, name: str, hashes: Sequence[str]) -> list[str]:
        """Note that a token's owner has these files and has checked them; return unknown ones."""
        ...

    async def oldest_unacked(self, keepers: frozenset[str]) -> OldestUnacked:
        """The oldest record of `alerts` that not every keeper has acknowledged."""
        ...


EyeState = Literal[
    "starting", "seeing", "dark", "blocked", "defocused", "frozen", "moved", "lost",
    "silent", "down", "refused",
]  # fmt: skip
"""What an eye says of its sight, or the agent of the eye: not heard yet; nothing heard for 12 s;
no process now; the configuration asks for what this version can't do."""


@dataclass(frozen=True, slots=True)
class EyeStatus:
    """A camera as the agent knows it now.

    `reason` is one line for people, empty while all is well. `frames_age_s` is how long ago the
    count of distinct frames rose, `inference_age_s` that of inferences; None: never.
    `clock_off_s` is how far the camera's clock is ahead of the pole's; None: it is right, or not
    known.
    """

    name: str
    is_watched: bool
    state: EyeState
    since_ms: int
    reason: str = ""
    source: Source | None = None
    sight: SightProof | None = None
    frames_age_s: float | None = None
    inference_age_s: float | None = None
    restarts: int = 0
    pid: int | None = None
    clock_off_s: float | None = None


@dataclass(frozen=True, slots=True)
class AskedFile:
    """What an eye made when asked; already unlinked. The caller closes `file`.

    `from_ms` and `to_ms` are when its first and its last frame were, milliseconds since 1970.
    """

    file: BinaryIO
    size_bytes: int
    type: str
    from_ms: int
    to_ms: int


class Eyes(Protocol):
    """All eyes of the pole. Every name given must be one of `names`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The cameras, as configured."""
        ...

    def status(self, name: str) -> EyeStatus:
        """What is known of one now."""
        ...

    def tracks(self, name: str) -> tuple[TrackSeen, ...]:
        """Its live tracks, as it last told them."""
        ...

    async def wait_for_tracks(self, name: str, *, timeout_s: float) -> bool:
        """Wait until it tells of a track; false: not in this time."""
        ...

    async def ask_file(self, name: str, command: str, arguments: Mapping[str, Json]) -> AskedFile:
        """Have it make a snapshot or a clip.

        Raises:
            EyeUnavailable: it does not run, or gives no answer in time.
            EyeRefused: it says no; the message is its own.
            MediaError: what it made can't be read.
        """
        ...

    def view(
        self, name: str, form: Literal["jpeg", "fragments"], stream: Literal["main", "sub"]
    ) -> AbstractAsyncContextManager[asyncio.StreamReader]:
        """Open a live view; its bytes as docs/ref/lines.md has them, until the eye hangs up.

        Raises:
            EyeUnavailable, EyeRefused: as above, on entering.
        """
        ...
