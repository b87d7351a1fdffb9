"""What the API needs of the store, and what desks ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from edge.evidence import Sealed
from edge.feeds import Draft
from edge.model import KeptMedia

DeskState: TypeAlias = Literal["open", "new", "all"]
"""Not closed and resolved; of these, acknowledged by nobody; all."""


@dataclass(frozen=True, slots=True)
class DeskPage:
    """Alerts as JSON (`desk_alert.py`), where the next page goes on, and the newest change."""

    bodies: tuple[bytes, ...]
    next: str | None
    change: int


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records as they are stored, and the number after which the next page begins; None: all."""

    bodies: tuple[bytes, ...]
    next: int | None


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

    async def records(self, pole: str, alert: str, *, after: int = 0) -> RecordPage:
        """The records of an alert, of the pole and of the station, as they came after a number."""
        ...

    async def find_media(self, pole: str, sha256: str) -> KeptMedia | None:
        """A file that is kept here and that this pole's records name."""
        ...

    async def set_aside(self, sha256: str) -> None:
        """See whether a kept file is what was recorded; if not, lay it aside and want it again."""
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
