"""What the station's parts need of each other: Protocols and plain dataclasses, nothing that runs.

    pulling/ ──▶ Vault ◀── store/ ──▶ Desk ◀── api/
    outward/ ──▶ Arrivals ◀── store/
    pulling/ ──▶ Links ◀── api/

A pole is named everywhere as the configuration names it; the station's own records are of the
"pole" that has the station's id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from edge.evidence import Link, Sealed, SignedStatement
from edge.feeds import Cursor, Draft, Feed
from edge.model import Json, KeptMedia
from edge.station.desk_alert import TransferState

# What came from poles --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a pole has shown itself to be; `key_pem` is its device key, which signs its heads.

    `token_name` is what the pole calls our token: acks that it tells of that name are our own.
    """

    pole_id: str
    key_sha256: str
    key_pem: str
    token_name: str
    position: Mapping[str, float] | None = None
    cameras: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record as it came, and what it says of itself.

    `flaw` says why it does not follow the one before it, empty where it does. One whose own bytes
    are good and that has a flaw counts for people, and never as evidence.
    """

    link: Link
    draft: Draft
    body: bytes
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """A page of one feed, to be kept in one commit with its place.

    `place` is where the feed stands after it, also where the page was empty; `unreadable` are
    items that are no record, with the reason. `is_new_life` begins a log of its own: the pole was
    made anew, or its log was put back to an older state. `clock_ahead_ms` is by how much the pole's
    clock was before the station's when they last met.
    """

    pole: str
    place: Link
    records: tuple[CheckedRecord, ...]
    received_ms: int
    unreadable: tuple[tuple[str, bytes], ...] = ()
    is_new_life: bool = False
    clock_ahead_ms: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What a batch came to: how many of its records were new, and the files that they named."""

    new_count: int
    new_alerts: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that a pole's record has named and that is not here yet.

    `opened_ms` is when its alert came; `is_alert` is false for captures.
    """

    pole: str
    sha256: str
    size_bytes: int
    type: str
    role: str
    camera: str | None
    is_alert: bool
    opened_ms: int
    tries: int = 0


class Vault(Protocol):
    """What pulling needs of the store. Every write is on disk when it returns.

    Raises (all methods): StoreError, nothing of it was written.
    """

    @property
    def fault(self) -> str | None:
        """Why the disk takes nothing just now; None while it does."""
        ...

    async def identity(self, pole: str) -> Identity | None:
        """Who this pole was when it was last met."""
        ...

    async def keep_identity(self, pole: str, identity: Identity) -> None:
        """Remember who a pole is."""
        ...

    async def places(self, pole: str) -> Mapping[Feed, Link]:
        """Where each feed stands; one that was never pulled is not in it."""
        ...

    async def keep(self, batch: Batch) -> Kept:
        """Keep a page: its records, what they make of alerts, the files they name, its place.

        A record that is there already, the same to the byte, is not kept twice.

        Raises:
            EvidenceError: a record stands there already with other bytes: the log has forked, and
                nothing was written.
        """
        ...

    async def acked(self, pole: str) -> Mapping[Feed, Cursor]:
        """What the pole has confirmed that we have."""
        ...

    async def note_acked(self, pole: str, feed: Feed, upto: Cursor) -> None:
        """The pole has taken an ack."""
        ...

    async def signed_to(self, pole: str, feed: Feed) -> Link | None:
        """The newest place of the feed's present life under a good signature."""
        ...

    async def keep_statements(self, pole: str, signed: Sequence[SignedStatement]) -> list[str]:
        """Keep what a pole has signed, after its signatures were checked.

        Returns:
            A line for each that names another hash than the record that stands there.
        """
        ...

    async def wanted(self, pole: str, *, limit: int) -> list[Wanted]:
        """Files to be fetched, those held back too, by `pulling.urgency.place`."""
        ...

    async def keep_file(self, wanted: Wanted, part: str) -> None:
        """Take over a file of the parts' folder that was fetched whole, checked and synced."""
        ...

    async def give_up_file(self, wanted: Wanted, state: TransferState, reason: str) -> None:
        """Note that a file will not come, and why."""
        ...

    async def note_try(self, wanted: Wanted) -> None:
        """Note that a file could not be had this time."""
        ...

    async def unacked_files(self, pole: str, *, limit: int) -> list[str]:
        """Hashes that are kept here and that the pole has not been told of."""
        ...

    async def note_files_acked(self, pole: str, hashes: Sequence[str]) -> None:
        """The pole has been told."""
        ...

    async def has_room(self, size_bytes: int, *, is_snapshot: bool = False) -> bool:
        """Whether a file may come in under the quota and the reserve.

        Half of the reserve is for alerts' snapshots, beyond the quota too.
        """
        ...

    async def words_to_send(self, pole: str, *, limit: int) -> list[Word]:
        """What desks have said of this pole's alerts and it has not been told, oldest first."""
        ...

    async def note_sent(self, word: Word, refused: str = "") -> None:
        """The pole has taken a word, or will never take it, and why."""
        ...

    async def tell(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Write the station's own records; alerts among them are shown as any other's."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody at a desk has said of a pole's alert, to be passed on."""

    number: int
    pole: str
    alert: str
    what: Literal["ack", "resolve"]
    body: Mapping[str, Json]


# What desks see --------------------------------------------------------------------------------


DeskState: TypeAlias = Literal["open", "new", "all"]
"""Not closed and resolved; of these, acknowledged by nobody; all."""


@dataclass(frozen=True, slots=True)
class DeskPage:
    """Alerts as JSON (`desk_alert.py`), where the next page goes on, and the newest change."""

    bodies: tuple[bytes, ...]
    next: str | None
    change: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Which alerts a desk wants; None: any. Times are when they came here, ms since 1970."""

    state: DeskState = "open"
    pole: str | None = None
    site: str | None = None
    rule: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """An alert's times for the statistics, ms since 1970; None: not yet, or never.

    `mark` is `real`, `false`, `test`, or empty; `by` who acknowledged it.
    """

    pole: str
    site: str | None
    camera: str | None
    rule_type: str
    rule_name: str
    severity: str
    opened_ms: int
    received_ms: int
    seen_ms: int | None
    acked_ms: int | None
    resolved_ms: int | None
    mark: str
    by: str
    is_test: bool


class Desk(Protocol):
    """What the API needs of the store."""

    @property
    def fault(self) -> str | None:
        """Why the disk takes nothing just now; None while it does."""
        ...

    @property
    def change(self) -> int:
        """The newest change of any alert that is on disk."""
        ...

    async def alerts(self, asked: Asked, *, after: str | None, limit: int) -> DeskPage:
        """Alerts, worst first, then the newest; or the newest first.

        Raises:
            ValidationError: `after` is no place of such a list.
        """
        ...

    async def alert(self, pole: str, alert: str) -> bytes | None:
        """One alert as JSON."""
        ...

    async def changed(self, *, after: int, limit: int) -> DeskPage:
        """Alerts that have changed after a change, in the order of their last one."""
        ...

    async def wait_for_change(self, *, after: int, timeout_s: float) -> bool:
        """Wait until an alert changes; false: not in this time."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """How many alerts are `open`, how many `new`; of these by severity: `new_critical`."""
        ...

    async def records(self, pole: str, alert: str) -> list[bytes]:
        """Every record of an alert, of the pole and of the station, in the order they came."""
        ...

    async def find_media(self, pole: str, sha256: str) -> KeptMedia | None:
        """A file that is kept here and that this pole's records name."""
        ...

    async def say(self, drafts: Sequence[Draft], *, pass_on: bool = False) -> list[Sealed]:
        """Write what somebody at a desk said or looked at, as records of the station's own.

        Args:
            drafts: kinds `alert.seen`, `.ack`, `.note`, `.resolve`, `.hold` of feed `alerts`, with
                the pole's name as `data["pole"]` and the person's as `data["by"]`; `access` and
                `login` of feed `audit`.
            pass_on: acks and verdicts among them are for the pole as well; see `Vault`.
        """
        ...

    async def responses(self, *, since_ms: int, until_ms: int) -> list[Response]:
        """The times of all alerts that came in a span."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record in the order in which it was kept here; `number` rises from 1, with holes."""

    number: int
    pole: str
    received_ms: int
    body: bytes


class Arrivals(Protocol):
    """What those outside are told, in the order in which it came."""

    @property
    def newest(self) -> int:
        """The number of the newest record of any feed; 0: there is none."""
        ...

    async def arrivals(self, *, after: int, feeds: Sequence[Feed], limit: int) -> list[Arrival]:
        """Records of these feeds after a number; every pole's and the station's own."""
        ...

    async def wait_for_arrival(self, *, after: int, timeout_s: float) -> bool:
        """Wait until a record is kept; false: not in this time."""
        ...

    async def told_to(self, webhook: str) -> int | None:
        """The number up to which somebody has been told; None: never."""
        ...

    async def note_told(self, webhook: str, number: int) -> None:
        """Somebody has been told everything up to a number."""
        ...


# How poles are reached -------------------------------------------------------------------------

LinkState = Literal["starting", "up", "catching up", "silent", "refused"]
"""Not asked yet; all is here; it answers and records are still to come; no answer for a minute;
it answers, but not us: token, certificate, identity."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with a pole or on the way to it, since when (ms since 1970)."""

    what: str
    detail: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Coming:
    """A file on its way."""

    sha256: str
    role: str
    bytes: int
    got_bytes: int


@dataclass(frozen=True, slots=True)
class PoleView:
    """A pole as a desk sees it. The fields are those of its JSON (docs/ref/station-api.md).

    `is_well` and `unwell` are what the pole says of its own health; None: never told.
    """

    name: str
    site: str | None
    pole_id: str | None
    state: LinkState
    since_ms: int
    cause: str
    heard_ms: int | None
    clock_ahead_ms: int | None
    answer_ms: float | None
    is_well: bool | None
    unwell: tuple[str, ...]
    cameras: tuple[str, ...]
    position: Mapping[str, float] | None
    troubles: tuple[Trouble, ...]
    files_waiting: int
    bytes_waiting: int
    coming: tuple[Coming, ...]
    version: str
    change: int


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """A pole's answer that is passed through while it comes; `content` yields its bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class Stream(Protocol):
    """An open answer of a pole."""

    @property
    def answer(self) -> LiveAnswer:
        """Its status and the headers that a desk may see."""
        ...

    async def read(self) -> bytes:
        """The next bytes; empty at its end.

        Raises:
            PoleError: the pole has gone.
        """
        ...


class Links(Protocol):
    """What the API needs of pulling. Every name given must be one of `names`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The poles, as configured."""
        ...

    @property
    def change(self) -> int:
        """The newest change of any pole's view."""
        ...

    def view(self, pole: str) -> PoleView:
        """What is known of one now."""
        ...

    async def wait_for_change(self, *, after: int, timeout_s: float) -> bool:
        """Wait until a pole's view changes; false: not in this time."""
        ...

    def nudge(self, pole: str) -> None:
        """Somebody has said something that this pole should be told soon."""
        ...

    def open_live(
        self, pole: str, path: str, query: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Stream]:
        """Ask a pole for live pictures, a snapshot or a clip, with the station's token.

        Args:
            pole: whose.
            path: below /v1/cameras/, one that the API has checked.
            query: as the desk asked.

        Raises:
            PoleError: it does not answer, on entering.
        """
        ...
