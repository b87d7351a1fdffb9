"""What the commands on standard input do; each is answered by one reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge import wire
from edge.errors import ClipError, EdgeError, Fault, ValidationError
from edge.eye.clip import ClipWriter, FinishedFile, save_file
from edge.eye.intake import Lane
from edge.eye.live import Form, LiveView
from edge.eye.ring import Ring
from edge.eye.snapshot import decode_at, encode_jpeg
from edge.model import TICKS_PER_S, Command, Json

Fields = Mapping[str, Json]
VIEWS_MAX = 8


class Steering(Protocol):
    """What a command may change in the running eye."""

    def mute(self, rule: str | None, until_t: float) -> None:
        """Hold a rule's alerts back until a media time (seconds)."""
        ...

    def draw(self, zones: Json, lines: Json) -> None:
        """Replace zones and lines; raises ValidationError."""
        ...

    def pause(self, *, is_paused: bool) -> None:
        """Judge nothing while the head moves."""
        ...

    def view(self, lane: Lane, live: LiveView) -> None:
        """Feed one more live view."""
        ...

    def stop(self) -> None:
        """End the eye."""
        ...


@dataclass(frozen=True, slots=True)
class Control:
    """Carries out commands; `rings` holds one ring for each stream, `folder` is where files go."""

    rings: Mapping[Lane, Ring]
    folder: Path | None
    steering: Steering

    def answer(self, command: Command) -> Fields:
        """Do what a command says.

        Returns:
            The reply's fields: `ok`, then what was made, or `error` in one line.
        """
        deeds: dict[str, Callable[[Mapping[str, Json]], Fields]] = {
            "snapshot": self._snapshot,
            "clip": self._clip,
            "live": self._live,
            "mute": self._mute,
            "zones": self._zones,
            "look-began": lambda _: self._pause(is_paused=True),
            "look-ended": lambda _: self._pause(is_paused=False),
            "stop": self._stop,
        }
        deed = deeds.get(command.name)
        if deed is None:
            known = ", ".join(deeds)
            return {"ok": False, "error": f"no command {command.name!r}; there are: {known}"}
        try:
            return {"ok": True, **deed(command.arguments)}
        except EdgeError as exc:
            return {"ok": False, "error": str(exc).replace("\n", "; ")}

    def _snapshot(self, arguments: Mapping[str, Json]) -> Fields:
        ring = self.rings["main"]
        at_90k = self._moment(arguments, "at", ring, default=ring.last_90k)
        frame = decode_at(ring, at_90k)
        if frame is None:
            raise ClipError("that moment is not in the ring")
        name = f"snapshot-{frame.pts_90k}.jpg"
        done = save_file(self._where() / name, encode_jpeg(frame))
        return {**_file(done), "type": "image/jpeg", "t": round(frame.t, 3)}

    def _clip(self, arguments: Mapping[str, Json]) -> Fields:
        ring = self.rings["main"]
        from_90k = self._moment(arguments, "from", ring, default=None)
        to_90k = self._moment(arguments, "to", ring, default=ring.last_90k)
        if to_90k <= from_90k:
            raise ValidationError([Fault("to", "not after from")])
        gops = [gop for gop in ring.gops_from(from_90k) if gop.first_90k <= to_90k]
        gops = [gop for gop in gops if gop.format.header == gops[0].format.header]
        if not gops:
            raise ClipError("nothing of that time is in the ring")
        name = f"clip-{gops[0].first_90k}-{to_90k}.mp4"
        writer = ClipWriter(self._where() / name, gops[0].format)
        for packet in (packet for gop in gops for packet in gop.packets):
            if packet.pts_90k <= to_90k:
                writer.write(packet)
        first_90k, last_90k = writer.span_90k
        span: Fields = {"from_t": first_90k / TICKS_PER_S, "to_t": last_90k / TICKS_PER_S}
        return {**_file(writer.finish()), "type": "video/mp4", **span}

    def _live(self, arguments: Mapping[str, Json]) -> Fields:
        path, form = arguments.get("socket"), arguments.get("format", "jpeg")
        lane = arguments.get("stream", "main")
        if not isinstance(path, str):
            raise ValidationError([Fault("socket", "missing", "the path somebody listens on")])
        if form not in ("jpeg", "fragments"):
            raise ValidationError([Fault("format", f"{form!r} is not jpeg or fragments")])
        if lane not in self.rings:
            raise ValidationError([Fault("stream", f"{lane!r} is not a stream of this camera")])
        chosen: Form = "jpeg" if form == "jpeg" else "fragments"
        try:
            live = LiveView(path, chosen)
        except (OSError, ValueError) as exc:
            raise ValidationError([Fault("socket", f"{path}: nobody listens ({exc})")]) from exc
        self.steering.view("sub" if lane == "sub" else "main", live)
        return {}

    def _mute(self, arguments: Mapping[str, Json]) -> Fields:
        rule, seconds = arguments.get("rule"), arguments.get("seconds")
        if rule is not None and not isinstance(rule, str):
            raise ValidationError([Fault("rule", "not a rule's name")])
        if seconds is not None and isinstance(seconds, int | float):
            until_t = self.rings["main"].last_90k / TICKS_PER_S + float(seconds)
        else:
            until_90k = self._moment(arguments, "until", self.rings["main"], default=None)
            until_t = until_90k / TICKS_PER_S
        self.steering.mute(rule, until_t)
        return {"until_t": round(until_t, 3)}

    def _zones(self, arguments: Mapping[str, Json]) -> Fields:
        self.steering.draw(arguments.get("zones", []), arguments.get("lines", []))
        return {}

    def _pause(self, *, is_paused: bool) -> Fields:
        self.steering.pause(is_paused=is_paused)
        return {}

    def _stop(self, _: Mapping[str, Json]) -> Fields:
        self.steering.stop()
        return {}

    def _where(self) -> Path:
        if self.folder is None:
            raise ClipError("no folder to write to; start the eye with --out")
        return self.folder

    def _moment(
        self, arguments: Mapping[str, Json], key: str, ring: Ring, *, default: int | None
    ) -> int:
        """Read a moment: seconds of media time, or RFC 3339 by the capture times in the ring."""
        value = arguments.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            return ring.media_time_of(wire.parse_utc(value))
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
            return round(value * TICKS_PER_S)
        raise ValidationError([Fault(key, "missing, or neither seconds nor RFC 3339")])


def _file(done: FinishedFile) -> dict[str, Json]:
    return {"file": done.name, "bytes": done.size_bytes, "sha256": done.sha256}
