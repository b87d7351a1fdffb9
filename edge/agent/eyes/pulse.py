"""What is known of one eye by what was heard of it, and when: its state for health and outages.

An eye tells of its sight every ten seconds; one that says nothing for longer does not see, whatever
it said before. Does no more than remember and compare times.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.agent.eyes.eye_lines import EyeLine, SightProof, Source
from edge.agent.ports import EyeState, EyeStatus
from edge.clock import NS_PER_S, Clock

SILENT_S = 12.0
"""It speaks every 10 s; health is to show a silent one within 15 s."""
_REASONS: dict[EyeState, str] = {
    "starting": "the eye has just been started; wait",
    "seeing": "",
    "dark": "",
    "blocked": "something stands before the camera; look at it",
    "defocused": "the picture is not sharp; clean or focus the camera",
    "frozen": "the picture stands still; restart the camera",
    "moved": "the camera points elsewhere; aim it again",
    "lost": "no picture comes; check the camera's power, cable, address and login",
}


@dataclass(slots=True)
class _Rise:
    """A counter of the eye: its value in this run, and when it last rose, in any run."""

    value: int = 0
    at_ns: int | None = None

    def note(self, value: int, now_ns: int) -> None:
        if value > self.value:
            self.at_ns = now_ns
        self.value = value


class Pulse:
    """One camera's eye, over all its runs."""

    def __init__(self, name: str, clock: Clock, *, is_watched: bool) -> None:
        """Nothing has been heard, and no eye runs."""
        self._name, self._clock, self._is_watched = name, clock, is_watched
        self._state: EyeState = "starting"
        self._reason = _REASONS["starting"]
        self._since_ms = clock.utc_ms()
        self._heard_ns: int | None = None
        self._pid: int | None = None
        self._runs = 0
        self._source: Source | None = None
        self._sight: SightProof | None = None
        self._frames, self._inferences = _Rise(), _Rise()

    def begin(self, pid: int, *, goes_on: bool) -> None:
        """An eye has been started.

        Args:
            pid: its process.
            goes_on: the one before it came to the end of its file: nothing was amiss between.
        """
        self._pid = pid
        self._runs += not goes_on
        self._heard_ns = self._clock.monotonic_ns()
        self._frames.value = self._inferences.value = 0  # they count from the start of an eye
        if not goes_on:
            self._set("starting", _REASONS["starting"])

    def hear(self, line: EyeLine) -> None:
        """A line has come that can be believed."""
        now_ns = self._heard_ns = self._clock.monotonic_ns()
        if isinstance(line, Source):
            self._source = line
        elif isinstance(line, SightProof):
            self._sight = line
            self._frames.note(line.distinct if self._is_watched else line.frames, now_ns)
            self._inferences.note(line.inferences, now_ns)
            self._set(line.state, _REASONS[line.state])

    def end(self, state: EyeState | None, reason: str) -> None:
        """The process has ended; `state` None: what it means will be told, or nothing is amiss."""
        self._pid = None
        self._heard_ns = None
        if state is not None:
            self._set(state, reason)

    @property
    def silent_s(self) -> float:
        """How long a running eye has said nothing; 0 while none runs."""
        if self._heard_ns is None:
            return 0.0
        return (self._clock.monotonic_ns() - self._heard_ns) / NS_PER_S

    def status(self) -> EyeStatus:
        """What is known now."""
        if self.silent_s >= SILENT_S:
            self._set("silent", "the eye says nothing; it is restarted if that lasts")
        return EyeStatus(
            self._name, self._is_watched, self._state, self._since_ms,
            reason=self._reason, source=self._source, sight=self._sight,
            frames_age_s=self._age_s(self._frames), inference_age_s=self._age_s(self._inferences),
            restarts=max(0, self._runs - 1), pid=self._pid,
        )  # fmt: skip

    def _set(self, state: EyeState, reason: str) -> None:
        if state != self._state:
            self._state, self._since_ms = state, self._clock.utc_ms()
        self._reason = reason

    def _age_s(self, rise: _Rise) -> float | None:
        if rise.at_ns is None:
            return None
        return (self._clock.monotonic_ns() - rise.at_ns) / NS_PER_S
