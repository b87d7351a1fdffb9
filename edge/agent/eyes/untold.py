"""Alerts that an eye told and no agent has recorded: taken from the eye's own journal.

An agent that is killed takes with it what it had read and not written, and what waited in the pipe.
The journal is an eye's, and believed as far as its lines are.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edge.agent.eyes import chronicle
from edge.agent.eyes.chronicle import Chronicle, Pen
from edge.agent.eyes.eye_lines import Alert, parse_eye_line
from edge.agent.ports import Log
from edge.errors import ValidationError
from edge.feeds import Draft

JOURNAL_NAME = ".alerts.jsonl"
"""No file that an eye can name begins with a dot. See `edge/eye/journal.py`, also for `.old`."""
_BYTES_MAX = 512 * 1024
_LINES_MAX = 2_000

_log = logging.getLogger(__name__)


def read_journal(folder: Path) -> list[Alert]:
    """Read what an eye has noted of alerts, the oldest first; what is no sound line is left out."""
    names = (f"{JOURNAL_NAME}.old", JOURNAL_NAME)
    lines = [line for name in names for line in _read(folder / name).split(b"\n")]
    return list(_understand(lines[-_LINES_MAX:]))


async def find_untold(camera: str, lines: Sequence[Alert], log: Log, pen: Pen) -> list[Draft]:
    """Make records of alerts that the log does not know: opened, as they went on, and closed.

    Args:
        camera: whose eye it was.
        lines: of its journal.
        log: knows which alerts have been recorded.
        pen: for the records; they say when it happened, and that they were `recovered`.

    Raises:
        StoreError: the log can't be read.
    """
    mine = [line for line in lines if line.camera == camera and line.alert is not None]
    opened = {line.alert for line in mine if line.phase == "open" and line.alert is not None}
    unknown = {alert for alert in opened if await log.alert(alert) is None}
    state, drafts = Chronicle(camera), list[Draft]()
    at_ms = 0
    for line in mine:
        if line.alert in unknown and chronicle.doubt(state, line) is None:
            state, more = chronicle.step(state, line, pen)
            drafts += more
            at_ms = max(at_ms, line.at_ms)
    drafts += chronicle.interrupt(state, at_ms, pen)[1]
    if unknown:
        _log.warning("alerts recovered: camera=%s count=%d", camera, len(unknown))
    return [replace(draft, data={**draft.data, "recovered": True}) for draft in drafts]


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _BYTES_MAX)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _understand(lines: Sequence[bytes]) -> Iterator[Alert]:
    """Give those that are whole; the last one may have been cut off."""
    for text in lines:
        try:
            line = parse_eye_line(text)
        except ValidationError:
            continue
        if isinstance(line, Alert):
            yield line
