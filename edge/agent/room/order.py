"""Which files go first when room is short; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.feeds import Severity
from edge.model import Json
from edge.wire import format_utc

_MILD_FIRST: tuple[Severity, ...] = ("info", "minor", "major", "critical")
_CAPTURE, _ALERTS = 1, 2


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that the log names.

    `uses` are the alerts and cameras that it belongs to, by id and name; of a capture none.
    `severity` is that of the worst of them. `is_kept`: every keeper has it and has checked it.
    """

    sha256: str
    size_bytes: int
    role: str
    ready_ms: int
    uses: tuple[tuple[str | None, str | None], ...] = ()
    severity: Severity | None = None
    is_kept: bool = False


def choose(files: Iterable[HeldFile], need_bytes: int, *, spare_bytes: int = 0) -> list[HeldFile]:
    """Choose files that have so many bytes together, or all where that is not enough.

    With `spare_bytes` further ones go, up to so many bytes more.

    What others keep goes first: clips, then what was captured, then snapshots. Then what nobody
    else has: captures, and the files of alerts from the mildest to the worst, of one severity clips
    before snapshots; the oldest first in each.
    """
    chosen = []
    for file in sorted(files, key=_place):
        if need_bytes <= 0 and file.size_bytes > spare_bytes + need_bytes:
            break
        chosen.append(file)
        need_bytes -= file.size_bytes
    return chosen


def describe_loss(gone: Sequence[HeldFile], reason: str) -> dict[str, Json] | None:
    """What a `loss` record says of files that nobody else has; None where every one was kept."""
    lost = [file for file in gone if not file.is_kept]
    if not lost:
        return None
    kinds: dict[str, Json] = dict(sorted(Counter(file.role for file in lost).items()))
    return {
        "what": "media",
        "count": len(lost),
        "bytes": sum(file.size_bytes for file in lost),
        "kinds": kinds,
        "from": format_utc(min(file.ready_ms for file in lost)),
        "to": format_utc(max(file.ready_ms for file in lost)),
        "reason": reason,
    }


def _place(file: HeldFile) -> tuple[int, int, int, int, str]:
    is_alerts = any(alert for alert, _ in file.uses)
    roles = ("clip", "evidence", "thermal", "snapshot")
    role = roles.index(file.role) if file.role in roles else 0
    if file.is_kept:
        return 0, role, 0, file.ready_ms, file.sha256
    if not is_alerts:
        return _CAPTURE, role, 0, file.ready_ms, file.sha256
    severity = _MILD_FIRST.index(file.severity) if file.severity else 0
    return _ALERTS, severity, role, file.ready_ms, file.sha256
