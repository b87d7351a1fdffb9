"""From what rules decide to what people get: the alert's lines, its snapshot and its clips."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge import wire
from edge.errors import ClipError
from edge.eye import best_shot
from edge.eye.analysis import Seen
from edge.eye.best_shot import Moment
from edge.eye.clip import ClipWriter, FinishedFile, save_file
from edge.eye.output import Emit
from edge.eye.ring import Ring
from edge.eye.snapshot import decode_at, encode_jpeg
from edge.model import TICKS_PER_S, AlertChange, MediaFile, Packet, Role, Stamp, StreamFormat

SNAPSHOT_AFTER_S = 1.5
"""The best moment is chosen among those this soon after the opening; people wait at most 3 s."""
CLIP_AFTER_OPEN_S_MAX = 60.0
CLIP_LATE_S = 5.0
"""A clip waits this long for the main stream's last packets while the sub stream goes on."""
_NOTHING = -1
"""Media time up to which a clip shows something that could not be kept at all."""
_MIME = {"snapshot": "image/jpeg", "clip": "video/mp4"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """Where files go (None: nowhere) and how much comes before and after an event, in seconds."""

    folder: Path | None
    pre_roll_s: float
    post_roll_s: float


@dataclass(slots=True)
class _Clip:
    """A clip being written, up to `until_t` of media time."""

    writer: ClipWriter
    until_t: float


@dataclass(slots=True)
class _Open:
    """One alert with what is still to be made of it.

    `clip_due_t` is the end of a clip that waits for a keyframe to begin with; `covered_90k` is the
    last moment that a finished clip shows.
    """

    alert: str
    open_t: float
    tracks: tuple[int, ...]
    best: Moment | None
    clips: list[_Clip] = field(default_factory=list)
    closed_t: float | None = None
    has_snapshot: bool = False
    clip_count: int = 0
    clip_due_t: float | None = None
    covered_90k: int | None = None


class Alerts:
    """All alerts of one eye that are open or still owe a file."""

    def __init__(
        self, emit: Emit, stamp: Callable[[float], Stamp], ring: Ring, *,
        plan: MediaPlan, make_id: Callable[[int], str],
    ) -> None:  # fmt: skip
        """`ring` is the main stream's; `stamp` makes the head of a line for a media time."""
        self._emit = emit
        self._stamp = stamp
        self._ring = ring
        self._plan = plan
        self._make_id = make_id
        self._open: dict[int, _Open] = {}

    def change(self, changes: Sequence[AlertChange], seen: Seen | None) -> None:
        """Tell what the rules decided on a frame, and begin or end what files need it."""
        for item in changes:
            if item.phase == "open":
                self._open[item.ordinal] = self._begin(item, seen)
            alert = self._open.get(item.ordinal)
            name = alert.alert if alert is not None else None
            self._emit(wire.encode_alert(self._stamp(item.t), item, name))
            if alert is None:
                continue
            alert.tracks = item.tracks or alert.tracks
            if item.phase == "open":
                self._begin_clip(alert, alert.open_t, alert.open_t + CLIP_AFTER_OPEN_S_MAX)
            elif item.phase == "close":
                self._close(alert, item.t)

    def look(self, seen: Seen) -> None:
        """Judge a frame as the moment for the snapshot of each young alert."""
        for alert in self._open.values():
            if not alert.has_snapshot:
                self._judge(alert, seen)

    def packet(self, packet: Packet) -> None:
        """Give the main stream's next packet, already in the ring, to the clips."""
        for alert in list(self._open.values()):
            for clip in list(alert.clips):
                self._write(alert, clip, packet)
            if alert.clip_due_t is not None and packet.is_keyframe:
                self._begin_clip(alert, packet.t, alert.clip_due_t)

    def settle(self, t: float) -> None:
        """Make what is due at media time `t` (seconds) and forget alerts that owe nothing."""
        for ordinal, alert in list(self._open.items()):
            is_due = alert.closed_t is not None or t >= alert.open_t + SNAPSHOT_AFTER_S
            if not alert.has_snapshot and is_due:
                self._save_snapshot(alert)
            self._give_up_late(alert, t)
            is_owing = bool(alert.clips) or alert.clip_due_t is not None or not alert.has_snapshot
            if alert.closed_t is not None and not is_owing:
                del self._open[ordinal]

    def break_clips(self, stream_format: StreamFormat | None = None) -> None:
        """End clips where the stream broke off or changed to another format."""
        for alert in self._open.values():
            for clip in list(alert.clips):
                if stream_format is None or clip.writer.header != stream_format.header:
                    self._finish_clip(alert, clip)

    def finish(self, t: float) -> None:
        """End everything: the eye stops."""
        self.settle(t)
        for alert in self._open.values():
            if not alert.has_snapshot:
                self._save_snapshot(alert)
            if alert.clip_due_t is not None:
                self._give_up_clip(alert)
        self.break_clips()

    def _begin(self, change: AlertChange, seen: Seen | None) -> _Open:
        alert = _Open(self._make_id(change.ordinal), change.t, change.tracks, None)
        if seen is not None:
            self._judge(alert, seen)
            alert.best = alert.best or Moment(seen.frame.pts_90k, 0.0)
        return alert

    def _judge(self, alert: _Open, seen: Seen) -> None:
        for track in seen.tracks:
            if track.track in alert.tracks and not track.is_hidden:
                moment = best_shot.judge(track, seen.luma, seen.frame.pts_90k)
                alert.best = best_shot.better(alert.best, moment)

    def _close(self, alert: _Open, t: float) -> None:
        alert.closed_t = t
        until_t = t + self._plan.post_roll_s
        if alert.clips:
            for clip in alert.clips:
                clip.until_t = min(clip.until_t, until_t)
        elif alert.clip_due_t is not None:
            alert.clip_due_t = min(alert.clip_due_t, until_t)
        elif alert.covered_90k is not None and self._ring.last_90k > alert.covered_90k:
            self._begin_clip(alert, t, until_t)

    def _begin_clip(self, alert: _Open, from_t: float, until_t: float) -> None:
        """Start a clip with the pre-roll from the ring; the rest comes with the packets."""
        if self._plan.folder is None:
            self._say_nothing_kept(alert, "clip", from_t)
            return
        gops = self._ring.gops_from(round((from_t - self._plan.pre_roll_s) * TICKS_PER_S))
        if alert.covered_90k is not None:
            gops = [gop for gop in gops if gop.last_90k > alert.covered_90k]
        gops = [gop for gop in gops if gop.format.header == gops[-1].format.header]
        if not gops:
            alert.clip_due_t = until_t
            return
        alert.clip_due_t = None
        alert.clip_count += 1
        suffix = "" if alert.clip_count == 1 else f"-{alert.clip_count}"
        path = self._plan.folder / f"{alert.alert}-clip{suffix}.mp4"
        try:
            clip = _Clip(ClipWriter(path, gops[-1].format), until_t)
        except ClipError as exc:
            self._say_failed(alert, "clip", str(exc), from_t)
            return
        alert.clips.append(clip)
        for packet in (packet for gop in gops for packet in gop.packets):
            if clip in alert.clips:
                self._write(alert, clip, packet)

    def _write(self, alert: _Open, clip: _Clip, packet: Packet) -> None:
        if packet.t > clip.until_t:
            self._finish_clip(alert, clip)
            return
        try:
            clip.writer.write(packet)
        except ClipError as exc:
            alert.clips.remove(clip)
            self._keep_part(alert, clip, str(exc))

    def _give_up_late(self, alert: _Open, t: float) -> None:
        """End what the main stream leaves waiting: it is gone while the sub stream goes on."""
        for clip in list(alert.clips):
            if t > clip.until_t + CLIP_LATE_S:
                self._finish_clip(alert, clip)
        if alert.clip_due_t is not None and t > alert.clip_due_t + CLIP_LATE_S:
            self._give_up_clip(alert)

    def _give_up_clip(self, alert: _Open) -> None:
        alert.clip_due_t = None
        self._say_failed(alert, "clip", "the main stream brought no keyframe", alert.open_t)

    def _finish_clip(self, alert: _Open, clip: _Clip) -> None:
        alert.clips.remove(clip)
        try:
            done = clip.writer.finish()
        except ClipError as exc:
            self._keep_part(alert, clip, str(exc))
            return
        alert.covered_90k = clip.writer.span_90k[1]
        self._say_clip(alert, clip, done)

    def _keep_part(self, alert: _Open, clip: _Clip, reason: str) -> None:
        """A clip can't be written on: what is whole of it is better than nothing."""
        done = clip.writer.rescue()
        if done is None:
            alert.covered_90k = _NOTHING if alert.covered_90k is None else alert.covered_90k
            self._say_failed(alert, "clip", reason, alert.open_t)
            return
        alert.covered_90k = clip.writer.span_90k[1]
        _log.error("clip cut short: alert=%s reason=%s", alert.alert, reason)
        self._say_clip(alert, clip, done, reason=f"cut short: {reason}")

    def _say_clip(
        self, alert: _Open, clip: _Clip, done: FinishedFile, *, reason: str | None = None
    ) -> None:
        first_t, last_t = (ticks / TICKS_PER_S for ticks in clip.writer.span_90k)
        media = MediaFile(
            alert.alert, "clip", done.name, _MIME["clip"], first_t, last_t,
            done.size_bytes, done.sha256, reason,
        )  # fmt: skip
        self._emit(wire.encode_media(self._stamp(last_t), media))

    def _save_snapshot(self, alert: _Open) -> None:
        alert.has_snapshot = True
        at_90k = alert.best.pts_90k if alert.best else round(alert.open_t * TICKS_PER_S)
        at_t = at_90k / TICKS_PER_S
        if self._plan.folder is None:
            self._say_nothing_kept(alert, "snapshot", at_t)
            return
        frame = decode_at(self._ring, at_90k)
        if frame is None:
            self._say_failed(alert, "snapshot", "the moment is not in the ring", at_t)
            return
        path = self._plan.folder / f"{alert.alert}-snapshot.jpg"
        try:
            done = save_file(path, encode_jpeg(frame))
        except ClipError as exc:
            self._say_failed(alert, "snapshot", str(exc), at_t)
            return
        media = MediaFile(
            alert.alert, "snapshot", done.name, _MIME["snapshot"], frame.t, frame.t,
            done.size_bytes, done.sha256,
        )  # fmt: skip
        self._emit(wire.encode_media(self._stamp(frame.t), media))

    def _say_nothing_kept(self, alert: _Open, role: Role, t: float) -> None:
        media = MediaFile(alert.alert, role, None, _MIME[role], t, t, 0, None)
        self._emit(wire.encode_media(self._stamp(t), media))

    def _say_failed(self, alert: _Open, role: Role, reason: str, t: float) -> None:
        _log.error("%s failed: alert=%s reason=%s", role, alert.alert, reason)
        media = MediaFile(alert.alert, role, None, _MIME[role], t, t, 0, None, reason)
        self._emit(wire.encode_media(self._stamp(t), media))
