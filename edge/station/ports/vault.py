"""What pulling needs of the store, and what it hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from edge.evidence import Link, Sealed, SignedStatement
from edge.feeds import Cursor, Draft, Feed
from edge.model import Json
from edge.station.desk_alert import TransferState


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a pole has shown itself to be; `key_pem` is its device key, which signs its heads.

    `token_name` is what the pole calls our token: acks that it tells of that name are our own.
    `epoch` is of the log that it signed when it was last met; empty: an older station kept it.
    """

    pole_id: str
    key_sha256: str
    key_pem: str
    token_name: str
    position: Mapping[str, float] | None = None
    cameras: tuple[str, ...] = ()
    version: str = ""
    epoch: str = ""


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
    """What a batch came to: how many of its records were new, and of these began an alert."""

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


class KeptLogs(Protocol):
    """What is kept of poles' logs, for who compares them with these.

    Raises (all methods): StoreError, it can't be read.
    """

    async def kept_near(self, pole: str, after: Link, *, before: int) -> list[Link]:
        """Places of kept records of an epoch's feed, all at one seq, each of another branch.

        It is the one nearest midway between `after` and `before`, which are left out; empty where
        nothing is kept between them.
        """
        ...


class Vault(KeptLogs, Protocol):
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
        """Remember who a pole is; what it has confirmed to a token of another name is forgotten."""
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

    async def has_room(self, size_bytes: int, *, rank: int) -> bool:
        """Whether a file may come in under quota and reserve; what matters more has more room.

        Args:
            size_bytes: of the file.
            rank: of `urgency`.
        """
        ...

    async def is_new(self, alert: str) -> bool:
        """Whether an alert of the station's own waits for somebody who knows of it."""
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
