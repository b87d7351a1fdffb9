"""The optional lines: motion, detections and tracks, as they were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from edge import wire
from edge.eye.analysis import Seen
from edge.eye.output import Emit
from edge.model import Stamp, Track


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which optional lines to print."""

    motion: bool = False
    detections: bool = False
    tracks: bool = False


class Telling:
    """Prints what was seen in each analysed frame."""

    def __init__(self, emit: Emit, wanted: Wanted) -> None:
        """Nothing is printed that is not `wanted`."""
        self._emit = emit
        self._wanted = wanted
        self._live: dict[int, Track] = {}

    def tell(self, stamp: Stamp, seen: Seen) -> None:
        """Print the lines of one frame."""
        if self._wanted.motion and seen.motion:
            self._emit(wire.encode_motion(stamp, seen.motion))
        if self._wanted.detections:
            for found in seen.detections:
                self._emit(wire.encode_detection(stamp, found))
        if self._wanted.tracks:
            self._tell_tracks(stamp, {track.track: track for track in seen.tracks})

    def finish(self, stamp: Stamp) -> None:
        """Close every track: the eye ends."""
        if self._wanted.tracks:
            self._tell_tracks(stamp, {})

    def _tell_tracks(self, stamp: Stamp, now: dict[int, Track]) -> None:
        for key in [key for key in self._live if key not in now]:
            self._emit(wire.encode_track(stamp, "close", self._live.pop(key)))
        for key, track in now.items():
            if track.is_hidden:
                continue  # its box is a guess; the line comes again when it is seen again
            self._emit(wire.encode_track(stamp, "update" if key in self._live else "open", track))
            self._live[key] = track
