"""The main loop of an eye: the one place that decides; everything else hands it items or is called.

One turn: take what a reader or the command thread brought, keep it in the ring, analyse it, step
the rules, make what alerts owe, and prove sight every ten seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge import wire
from edge.clock import NS_PER_S, Clock
from edge.errors import EdgeError, Fault, ModelError, ValidationError
from edge.eye.alerts import Alerts
from edge.eye.analysis import Seen
from edge.eye.commands import CommandReader
from edge.eye.control import Control
from edge.eye.intake import Intake, Item, Lane, SourceEnded, SourceLost
from edge.eye.live import Views
from edge.eye.output import Emit
from edge.eye.ring import Ring
from edge.eye.rules import engine as rules
from edge.eye.rules.engine import Engine
from edge.eye.sight import ProofOfSight
from edge.eye.telling import Telling
from edge.eye.troubles import Troubles
from edge.eye.watch import Watching
from edge.model import (
    TICKS_PER_S,
    Json,
    Packet,
    Stamp,
    StreamFormat,
)

TURN_S = 0.2
"""Longest wait for a packet; commands and time-outs are looked at this often."""
COMMANDS_A_TURN = 8
"""So many commands are done between two packets; a flood of them must not starve the camera."""
LOST_S = 6.0
"""Without a packet for this long the camera counts as lost, whatever the connection says."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop works with; built in `main.py`.

    `analysed` is the lane that is watched, the main one where there is no sub stream;
    `redraw` reads zones and lines from a command and gives the engine with them.
    """

    camera: str
    intake: Intake
    rings: Mapping[Lane, Ring]
    analysed: Lane
    watch: Watching
    alerts: Alerts
    engine: Engine
    telling: Telling
    redraw: Callable[[Engine, Json, Json], Engine]
    emit: Emit
    clock: Clock
    folder: Path | None
    is_live: bool


class Eye:
    """One camera's eye while it runs."""

    def __init__(self, parts: Parts, commands: CommandReader) -> None:
        """Nothing runs before `run`."""
        self._parts = parts
        self._commands = commands
        self._views = Views(parts.rings)
        self._control = Control(parts.rings, parts.folder, self._views, steering=self)
        self._engine = parts.engine
        self._rules = rules.make_state(parts.engine)
        self._formats: dict[Lane, StreamFormat] = {}
        self._now = (0, parts.clock.utc_ms())
        self._now_ns: int | None = None
        self._heard_ns = parts.clock.monotonic_ns()
        self._begun_ns = parts.clock.monotonic_ns()
        self._sight = ProofOfSight(parts.watch, parts.emit)
        self._troubles = Troubles(parts.clock, gop_s_max=parts.watch.gop_s_max)
        self._ended: set[Lane] = set()
        self._reason: str | None = None
        self.error: EdgeError | None = None

    def run(self) -> str:
        """Work until the source ends or somebody says stop; say why it ended."""
        try:
            while self._reason is None:
                self._turn()
            if self._parts.analysed in self._formats:
                for seen in self._parts.watch.drain():
                    self._see(seen)
        except ModelError as exc:
            self.error = exc
            self._reason = str(exc)
        self._finish(self._reason)
        return self._reason

    def _finish(self, reason: str) -> None:
        """Answer, close and save all that is open; the last line is `end`."""
        now = self.now()
        self._refuse_what_waits()
        changes = rules.finish(self._engine, self._rules, t=now.t, reason=reason)
        self._parts.alerts.change(changes, None)
        self._parts.telling.finish(now)
        self._parts.alerts.finish(now.t)
        self._sight.tell(self.now(), self._passed_s())
        self._views.close()
        self._parts.emit(wire.encode_end(self.now(), reason))

    def stop(self, reason: str = "stopped") -> None:
        """End after this turn."""
        self._reason = self._reason or reason
        self._parts.intake.wake()

    def mute(self, rule: str | None, until_t: float) -> None:
        """See `Steering.mute`."""
        known = [plan.rule.name for plan in self._engine.plans]
        if rule is not None and rule not in known:
            there_are = f"there are: {', '.join(known)}"
            raise ValidationError([Fault("rule", "no rule of that name", there_are)])
        self._rules = rules.mute(self._rules, rule, until_t)

    def draw(self, zones: Json, lines: Json) -> None:
        """See `Steering.draw`."""
        self._engine = self._parts.redraw(self._engine, zones, lines)

    def pause(self, *, is_paused: bool) -> None:
        """See `Steering.pause`."""
        self._parts.watch.pause(is_paused=is_paused)

    def _turn(self) -> None:
        taken = self._parts.intake.take(0.0 if self._commands.is_waiting else TURN_S)
        if taken is not None:
            self._receive(*taken)
        for command in self._commands.take(COMMANDS_A_TURN):
            if isinstance(command, ValidationError):
                refusal: dict[str, Json] = {"ok": False, "error": str(command).replace("\n", "; ")}
                self._parts.emit(wire.encode_reply(self.now(), None, refusal))
            else:
                fields = self._control.answer(command)
                self._parts.emit(wire.encode_reply(self.now(), command.id, fields))
        self._parts.alerts.settle(self.now().t)
        if self._parts.is_live:
            self._notice_silence()
        if self._sight.tell_when_due(self.now(), self._passed_s()):
            self._troubles.look(self._parts.rings["main"], dropped=self._parts.intake.dropped)

    def _refuse_what_waits(self) -> None:
        """Each command gets its reply, also one that came too late."""
        late: dict[str, Json] = {"ok": False, "error": "the eye is ending"}
        for command in self._commands.take():
            command_id = None if isinstance(command, ValidationError) else command.id
            self._parts.emit(wire.encode_reply(self.now(), command_id, late))

    def _receive(self, lane: Lane, item: Item) -> None:
        if isinstance(item, Packet):
            self._take_packet(lane, item)
        elif isinstance(item, StreamFormat):
            self._begin(lane, item)
        elif isinstance(item, SourceLost):
            self._lose(lane, item)
        else:
            self._end(lane, item)

    def _take_packet(self, lane: Lane, packet: Packet) -> None:
        parts = self._parts
        if packet.pts_90k >= self._now[0]:
            self._now = (packet.pts_90k, packet.wall_utc_ms)
            self._now_ns = parts.clock.monotonic_ns()
        parts.rings[lane].append(packet)
        self._views.push(lane, packet)
        if lane == "main":
            parts.alerts.packet(packet)
        if lane == parts.analysed:
            self._heard_ns = parts.clock.monotonic_ns()
            for seen in parts.watch.push(packet):
                self._see(seen)
            self._sight.note(self._passed_s())
        self._troubles.go_on(lane)

    def _see(self, seen: Seen) -> None:
        parts = self._parts
        self._sight.is_dark = seen.is_dark
        stamp = Stamp(parts.camera, seen.frame.t, seen.frame.wall_utc_ms)
        parts.telling.tell(stamp, seen)
        self._rules, changes = rules.step(
            self._engine, self._rules, seen.tracks, t=stamp.t, utc_ms=stamp.utc_ms
        )
        parts.alerts.change(changes, seen)
        parts.alerts.look(seen)

    def _begin(self, lane: Lane, stream_format: StreamFormat) -> None:
        parts = self._parts
        self._troubles.begin(lane, gop_s=stream_format.gop_s)
        parts.rings[lane].begin(stream_format)
        self._formats[lane] = stream_format
        self._views.begin(lane, stream_format)
        if lane == "main":
            parts.alerts.break_clips(stream_format)
            parts.emit(wire.encode_source(self.now(), stream_format, thermal=False))
        if lane == parts.analysed:
            parts.watch.begin(stream_format)

    def _lose(self, lane: Lane, lost: SourceLost) -> None:
        self._troubles.lose(lane, lost.error, retry_s=lost.retry_s)
        self._parts.rings[lane].interrupt()
        if lane == "main":
            self._parts.alerts.break_clips()
        if lane == self._parts.analysed:
            self._sight.is_lost = True

    def _end(self, lane: Lane, ended: SourceEnded) -> None:
        """Go on with the other stream, but not without the one that is analysed."""
        self._ended.add(lane)
        self.error = self.error or ended.error
        is_vital = lane == self._parts.analysed or self._parts.is_live
        self._sight.is_lost = self._sight.is_lost or (ended.error is not None and is_vital)
        if ended.error is not None and is_vital:
            self.stop(str(ended.error))
        elif self._ended >= set(self._parts.rings):
            self.stop(str(self.error) if self.error else "end of file")

    def _notice_silence(self) -> None:
        silent_ns = self._parts.clock.monotonic_ns() - self._heard_ns
        if silent_ns > LOST_S * NS_PER_S and not self._sight.is_lost:
            self._sight.is_lost = True
            said = f"{self._parts.camera}: no picture for {LOST_S:.0f} s"
            remedy = "check the camera's power, cable and codec"
            self._troubles.miss(self._parts.analysed, f"{said}; {remedy}")

    def now(self) -> Stamp:
        """Head a line for this moment; a live source's time goes on without packets."""
        camera, (pts_90k, utc_ms) = self._parts.camera, self._now
        if not self._parts.is_live:
            return Stamp(camera, pts_90k / TICKS_PER_S, utc_ms)
        if self._now_ns is None:
            return Stamp(camera, 0.0, self._parts.clock.utc_ms())
        # Counted on from the packet's own wall time: the first ones come late, a second at once.
        silent_s = max((self._parts.clock.monotonic_ns() - self._now_ns) / NS_PER_S, 0.0)
        return Stamp(camera, pts_90k / TICKS_PER_S + silent_s, utc_ms + round(silent_s * 1000))

    def stamp(self, t: float) -> Stamp:
        """Head a line for a media time by the capture times around it."""
        pts_90k, utc_ms = self._now
        return Stamp(self._parts.camera, t, round(utc_ms + (t - pts_90k / TICKS_PER_S) * 1000))

    def _passed_s(self) -> float:
        """Seconds of a camera's run by the clock, seen or not; of a file by its own time."""
        if self._parts.is_live:
            return (self._parts.clock.monotonic_ns() - self._begun_ns) / NS_PER_S
        return self.now().t
