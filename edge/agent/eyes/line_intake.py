"""From an eye's bytes to lines that may be believed: whole, sound, its own, and not too many; pure.

An eye decodes hostile streams and may print anything. What is no line is counted; too much of it,
or too much of anything, condemns the eye.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge.agent.eyes.allowance import Allowance, Limit
from edge.agent.eyes.eye_lines import LINE_BYTES_MAX, EyeLine, Reply, TrackSeen, parse_eye_line
from edge.errors import EdgeError, ValidationError

LINES = Limit(burst=20_000, per_s=2_000)
"""Awake at 25 fps with 50 tracks it says 1,250 a second, and at waking some seconds at once."""
GARBAGE = Limit(burst=20, per_s=20 / 60)
"""None is ever printed by a sound eye; a line that was cut off by a signal may be one."""
TELLING = Limit(burst=1_000, per_s=10)
"""What may become a record: 128 rules that open at once print some 500 lines with their files."""


class EyeCondemned(EdgeError):
    """An eye floods or babbles; the message says how. It is to be killed."""


class LineIntake:
    """The bytes of one run of one eye."""

    def __init__(self, camera: str) -> None:
        """`camera` is the eye's own name, which each line must carry."""
        self._camera = camera
        self._rest = b""
        self._is_skipping = False
        self._lines = Allowance(LINES)
        self._garbage = Allowance(GARBAGE)
        self._telling = Allowance(TELLING)
        self.garbage_count = 0
        self.last_fault = ""
        """Why the last one was none."""

    def push(self, block: bytes, now_ns: int) -> Iterator[EyeLine]:
        """Take the next bytes; give the lines that are complete with them.

        Args:
            block: as read; of a line longer than `LINE_BYTES_MAX` nothing is kept.
            now_ns: monotonic.

        Raises:
            EyeCondemned: too much; what comes after it is not looked at.
        """
        *lines, rest = (self._rest + block).split(b"\n")
        self._rest = b""
        for line in lines:
            if self._is_skipping:
                self._is_skipping = False  # the end of what was too long
                continue
            if not self._lines.take(now_ns):
                raise EyeCondemned(f"more than {LINES.per_s:.0f} lines a second")
            yield from self._understand(line, now_ns)
        if len(rest) > LINE_BYTES_MAX and not self._is_skipping:
            self._is_skipping = True
            self.refuse(f"a line of more than {LINE_BYTES_MAX} bytes", now_ns)
        self._rest = b"" if self._is_skipping else rest

    def finish(self, now_ns: int) -> None:
        """Count what stands after the last newline: it was cut off.

        Raises:
            EyeCondemned: it was the last straw.
        """
        if self._rest:
            self.refuse("a line that was cut off", now_ns)

    def refuse(self, fault: str, now_ns: int) -> None:
        """Count a line that is not to be believed.

        Raises:
            EyeCondemned: too many of them.
        """
        self.garbage_count += 1
        self.last_fault = fault
        if not self._garbage.take(now_ns):
            raise EyeCondemned(f"too many lines that are none; the last one: {fault}")

    def _understand(self, text: bytes, now_ns: int) -> Iterator[EyeLine]:
        try:
            line = parse_eye_line(text)
        except ValidationError as exc:
            self.refuse(str(exc), now_ns)
            return
        if line is None:
            return
        if line.camera != self._camera:
            self.refuse("it speaks for another camera", now_ns)
        elif not isinstance(line, TrackSeen | Reply) and not self._telling.take(now_ns):
            raise EyeCondemned(f"more than {TELLING.per_s:.0f} lines a second that are to be kept")
        else:
            yield line
