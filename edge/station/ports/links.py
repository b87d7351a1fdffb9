"""What the API needs of pulling: poles as desks see them, and their live pictures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

LinkState = Literal["starting", "up", "catching up", "silent", "refused"]
"""Not asked yet; all is here; it answers and records are still to come, or its alerts can't be had;
no answer for a minute; it answers, but not us: token, certificate, identity."""


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

    `is_well` and `unwell` are what the pole said of its own health at `health_ms`; None: never.
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
    health_ms: int | None
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
    """What stands before the bytes of a pole's answer, which a `Stream` gives while it comes."""

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

    def change_of(self, pole: str) -> int:
        """The last change of one's view."""
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
        self, pole: str, path: str, query: Mapping[str, str], *, reason: str = ""
    ) -> AbstractAsyncContextManager[Stream]:
        """Ask a pole for live pictures, a snapshot or a clip, with the station's token.

        Args:
            pole: whose.
            path: below /v1/cameras/, one that the API has checked.
            query: as the desk asked.
            reason: who looks, and what for; for the pole's audit.

        Raises:
            PoleError: it does not answer, on entering.
        """
        ...
