"""What the parts of pulling need of each other: one pole's client, and what is noted of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from edge.errors import PoleError, PoleWrong
from edge.evidence import SignedStatement
from edge.feeds import Cursor, Feed
from edge.station.ports.links import Coming, Stream
from edge.station.ports.vault import Identity, Word


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of a feed as a pole gave it: `items` are the records' own bytes, unchecked."""

    items: tuple[bytes, ...]
    next: Cursor
    oldest: Cursor
    has_more: bool


@dataclass(frozen=True, slots=True)
class Who:
    """What a pole says of itself: its time (ms since 1970) and epoch beside its identity."""

    identity: Identity
    epoch: str
    at_ms: int
    heads: Mapping[Feed, int]


@dataclass(frozen=True, slots=True)
class PoleHealth:
    """What a pole says of its health; `unwell` are parts with their reasons."""

    is_well: bool
    unwell: tuple[str, ...]
    cameras: tuple[str, ...]


class TooLong(PoleWrong):
    """An answer is longer than it may be; less may be asked for."""


class CursorGone(PoleError):
    """The pole can't go on from a place; `oldest` is from where it can."""

    def __init__(self, message: str, oldest: Cursor | None) -> None:
        """`oldest` None: the pole did not say."""
        super().__init__(message)
        self.oldest = oldest


class FileGone(PoleError):
    """The pole has no such file, or no more."""


class FileWrong(PoleWrong):
    """What comes is not the file that was promised: its length, its range or its hash."""


class WordRefused(PoleError):
    """The pole will never take what was said; asking again is no use."""


class PoleBusy(PoleError):
    """The pole answers, and can't do that just now (its disk, an eye); ask again later."""


class PoleClient(Protocol):
    """One pole over its HTTP API. Everything that comes is bounded in bytes and time.

    Raises (all methods):
        PoleUnreachable: no answer, or one that ends or stalls midway.
        PoleRefused: it answers, and not us: token, certificate, a redirect.
        PoleBusy: it answers, and has said that it can't do this just now.
        PoleWrong: its answer is none that a pole gives; the message says what.
    """

    async def who(self) -> Who:
        """Ask who it is."""
        ...

    async def health(self) -> PoleHealth:
        """Ask how it is."""
        ...

    async def page(
        self, feed: Feed, *, after: Cursor | None, limit: int, wait_s: float
    ) -> FeedPage:
        """Ask for the records after a place.

        Raises:
            CursorGone: the pole can't go on from there; it says from where it can.
        """
        ...

    async def statements(
        self, feed: Feed, *, after: int
    ) -> tuple[list[SignedStatement], int, bool]:
        """Ask what was signed after a seq; the next seq to ask for, and whether there is more."""
        ...

    async def ack(self, feed: Feed, upto: Cursor) -> None:
        """Tell it that everything up to there is on a disk here."""
        ...

    async def ack_media(self, hashes: Sequence[str]) -> None:
        """Tell it which files are on a disk here and were checked."""
        ...

    def media(
        self, sha256: str, *, first: int, size_bytes: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Fetch a file from a byte on; never yields more than `size_bytes - first` bytes.

        Raises:
            FileGone: the pole has no such file.
        """
        ...

    async def say(self, word: Word) -> None:
        """Pass on what a desk has said of an alert.

        Raises:
            WordRefused: the pole will never take it.
        """
        ...

    def open_live(
        self, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        """See `Links`."""
        ...


class Contact(Protocol):
    """What is noted of one pole while it is pulled; gives its `PoleView` and wakes who waits."""

    def heard(self) -> None:
        """It has answered as a pole does."""
        ...

    def failed(self, error: Exception) -> None:
        """It has not: a PoleError or what the network raised."""
        ...

    def met(self, who: Who, *, clock_ahead_ms: int, answer_ms: float) -> None:
        """It has said who it is, and it is the one that is meant."""
        ...

    def told_health(self, health: PoleHealth) -> None:
        """It has said how it is."""
        ...

    def took(self, feed: Feed, *, records: int, alerts: int, has_more: bool) -> None:
        """So much has been kept of a feed, and whether more is to come."""
        ...

    def trouble(self, what: str, detail: str) -> None:
        """Something is wrong with it, until it is cleared; said again it changes nothing."""
        ...

    def clear(self, what: str) -> None:
        """That is over."""
        ...

    def coming(self, files: Sequence[Coming], *, files_waiting: int, bytes_waiting: int) -> None:
        """Which files are on their way, and what waits behind them."""
        ...

    def noted_power(self, *, is_lost: bool) -> None:
        """Its records say that its mains were lost, or are back."""
        ...

    def noted_end(self, *, is_stopped: bool) -> None:
        """Its records say that its agent was told to stop, or has begun."""
        ...
