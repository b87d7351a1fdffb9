"""What the commands on standard input do; each is answered by one reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from edge import wire
from edge.errors import ClipError, EdgeError, Fault, ValidationError
from edge.eye.clip import ClipWriter, FinishedFile, save_file
from edge.eye.intake import Lane
from edge.eye.live import FORMS, Views
from edge.eye.ring import Gop, Ring
from edge.eye.snapshot import decode_at, encode_jpeg
from edge.model import TICKS_PER_S, Command, Json, Packet, Stamp

Fields = Mapping[str, Json]
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "snapshot": ("at",),
    "clip": ("from", "to"),
    "live": ("socket", "format", "stream"),
    "mute": ("rule", "seconds", "until"),
    "zones": ("zones", "lines"),
    "look-began": (),
    "look-ended": (),
    "stop": (),
}
"""Every command with the arguments it knows."""
MUTE_S_MAX = 31 * 86_400.0
"""A rule nobody wants for longer is taken out of the configuration."""
AHEAD_S_MAX = 2.0
"""A moment may lie this far after the newest packet: "now" comes before its picture."""
_MEDIA_S_MAX = 1e9
_SHOWN_MAX = 60


class Steering(Protocol):
    """What a command may change in the running eye."""

    def now(self) -> Stamp:
        """This moment, in media time and wall time; goes on while the camera is lost."""
        ...

    def mute(self, rule: str | None, until_t: float) -> None:
        """Hold a rule's alerts back until a media time (seconds); raises ValidationError."""
        ...

    def draw(self, zones: Json, lines: Json) -> None:
        """Replace zones and lines; raises ValidationError."""
        ...

    def pause(self, *, is_paused: bool) -> None:
        """Judge nothing while the head moves."""
        ...

    def stop(self) -> None:
        """End the eye."""
        ...


@dataclass(frozen=True, slots=True)
class Control:
    """Carries out commands; `rings` holds one ring for each stream, `folder` is where files go."""

    rings: Mapping[Lane, Ring]
    folder: Path | None
    views: Views
    steering: Steering

    def answer(self, command: Command) -> Fields:
        """Do what a command says.

        Returns:
            The reply's fields: `ok`, then what was made, or `error` in one line.
        """
        deeds: dict[str, Callable[[Fields], Fields]] = {
            "snapshot": self._snapshot,
            "clip": self._clip,
            "live": self._live,
            "mute": self._mute,
            "zones": self._zones,
            "look-began": lambda _: self._pause(is_paused=True),
            "look-ended": lambda _: self._pause(is_paused=False),
            "stop": self._stop,
        }
        try:
            _check(command)
            return {"ok": True, **deeds[command.name](command.arguments)}
        except EdgeError as exc:
            return {"ok": False, "error": str(exc).replace("\n", "; ")}

    def _snapshot(self, arguments: Fields) -> Fields:
        ring = self.rings["main"]
        at_90k = self._moment(arguments, "at", ring, default=ring.last_90k)
        is_to_come = at_90k > ring.last_90k + AHEAD_S_MAX * TICKS_PER_S
        frame = None if is_to_come else decode_at(ring, at_90k)
        if frame is None:
            raise ClipError(f"that moment is not in the ring, which has {_span(ring)}")
        path = self._free_path(f"snapshot-{frame.pts_90k}", ".jpg")
        done = save_file(path, encode_jpeg(frame))
        return {**_file(done), "type": "image/jpeg", "frame_t": round(frame.t, 3)}

    def _clip(self, arguments: Fields) -> Fields:
        ring = self.rings["main"]
        from_90k = self._moment(arguments, "from", ring, default=None)
        to_90k = self._moment(arguments, "to", ring, default=ring.last_90k)
        if from_90k > ring.last_90k:
            raise ClipError(f"nothing of that time is in the ring, which has {_span(ring)}")
        if to_90k <= from_90k:
            raise ValidationError([Fault("to", "not after from")])
        gops = _choose(ring, from_90k, to_90k)
        if not gops:
            raise ClipError(f"nothing of that time is in the ring, which has {_span(ring)}")
        path = self._free_path(f"clip-{gops[0].first_90k}-{to_90k}", ".mp4")
        writer = ClipWriter(path, gops[0].format)
        try:
            for packet in _up_to([packet for gop in gops for packet in gop.packets], to_90k):
                writer.write(packet)
            done = writer.finish()
        except ClipError:
            writer.abandon()
            raise
        first_t, last_t = (round(ticks / TICKS_PER_S, 3) for ticks in writer.span_90k)
        return {**_file(done), "type": "video/mp4", "from_t": first_t, "to_t": last_t}

    def _live(self, arguments: Fields) -> Fields:
        path, form = arguments.get("socket"), arguments.get("format", "jpeg")
        lane = arguments.get("stream", "main")
        if not isinstance(path, str) or not path:
            raise ValidationError([Fault("socket", "missing", "the path somebody listens on")])
        chosen = next((each for each in FORMS if each == form), None)
        if chosen is None:
            raise ValidationError([Fault("format", f"{_show(form)} is not jpeg or fragments")])
        known = next((each for each in self.rings if each == lane), None)
        if known is None:
            fault = Fault("stream", f"{_show(lane)} is no stream here", ", ".join(self.rings))
            raise ValidationError([fault])
        self.views.open(known, path, chosen)
        return {}

    def _mute(self, arguments: Fields) -> Fields:
        rule, seconds = arguments.get("rule"), arguments.get("seconds")
        if rule is not None and not isinstance(rule, str):
            raise ValidationError([Fault("rule", "not a rule's name", "leave it out for all")])
        if (seconds is None) == ("until" not in arguments):
            raise ValidationError([Fault("mute", "give seconds or until, one of the two")])
        now = self.steering.now()
        if seconds is None:
            until_t = _read_until(arguments["until"], now)
        elif _is_number(seconds) and 0 <= seconds <= MUTE_S_MAX:
            until_t = now.t + seconds
        else:
            raise ValidationError([Fault("seconds", f"not a number from 0 to {MUTE_S_MAX:.0f}")])
        if until_t > now.t + MUTE_S_MAX:
            raise ValidationError([Fault("mute", f"longer than {MUTE_S_MAX:.0f} s")])
        self.steering.mute(rule, until_t)
        return {"until_t": round(until_t, 3)}

    def _zones(self, arguments: Fields) -> Fields:
        missing = [key for key in ("zones", "lines") if key not in arguments]
        if missing:
            fault = Fault(missing[0], "missing", "both are replaced; [] takes all away")
            raise ValidationError([fault])
        self.steering.draw(arguments["zones"], arguments["lines"])
        return {}

    def _pause(self, *, is_paused: bool) -> Fields:
        self.steering.pause(is_paused=is_paused)
        return {}

    def _stop(self, _: Fields) -> Fields:
        self.steering.stop()
        return {}

    def _free_path(self, stem: str, suffix: str) -> Path:
        """Choose a name that no file has, of this run or of one before it."""
        if self.folder is None:
            raise ClipError("no folder to write to; start the eye with --out")
        taken = {path.name for path in self.folder.glob(f"{stem}*")}
        count, name = 1, stem + suffix
        while name in taken:
            count += 1
            name = f"{stem}-{count}{suffix}"
        return self.folder / name

    def _moment(self, arguments: Fields, key: str, ring: Ring, *, default: int | None) -> int:
        """Read a moment: seconds of media time, or RFC 3339 by the capture times in the ring."""
        value = arguments.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            moment_90k = ring.media_time_of(wire.parse_utc(value))
            if moment_90k is None:
                raise ClipError(f"that moment is not in the ring, which has {_span(ring)}")
            return moment_90k
        if _is_number(value) and 0 <= value < _MEDIA_S_MAX:
            return round(value * TICKS_PER_S)
        raise _refuse_moment(key, value)


def _read_until(value: Json, now: Stamp) -> float:
    """Read an end as media time in seconds: it is given in these, or in RFC 3339."""
    if isinstance(value, str):
        return now.t + (wire.parse_utc(value) - now.utc_ms) / 1000
    if _is_number(value) and 0 <= value < _MEDIA_S_MAX:
        return float(value)
    raise _refuse_moment("until", value)


def _refuse_moment(key: str, value: Json) -> ValidationError:
    if value is None:
        return ValidationError([Fault(key, "missing", "seconds of media time, or RFC 3339")])
    if not _is_number(value):
        return ValidationError([Fault(key, "neither seconds nor RFC 3339")])
    problem = f"{_show(value)} is neither seconds nor RFC 3339"
    remedy = f"media time is 0 s or more, and below {_MEDIA_S_MAX:.0f}"
    return ValidationError([Fault(key, problem, remedy)])


def _check(command: Command) -> None:
    """Refuse a command or an argument that does not exist."""
    known = ARGUMENTS.get(command.name)
    if known is None:
        there_are = f"there are: {', '.join(ARGUMENTS)}"
        raise ValidationError([Fault("kind", f"no command {_show(command.name)}", there_are)])
    for key in command.arguments:
        if key not in known:
            problem, there_are = f"{command.name} has no such argument", ", ".join(known) or "none"
            raise ValidationError([Fault(_show(key), problem, f"there are: {there_are}")])


def _choose(ring: Ring, from_90k: int, to_90k: int) -> list[Gop]:
    """The GOPs of a time range, as far as they go on in one format."""
    gops = [gop for gop in ring.gops_from(from_90k) if gop.first_90k <= to_90k]
    return [gop for gop in gops if gop.format.header == gops[0].format.header]


def _up_to(packets: Sequence[Packet], to_90k: int) -> Sequence[Packet]:
    """Leave out what comes after the last picture up to a moment.

    Of B-frames some are shown before the picture that they need, which comes first and is kept.
    """
    last = max((at for at, packet in enumerate(packets) if packet.pts_90k <= to_90k), default=-1)
    return packets[: last + 1]


def _span(ring: Ring) -> str:
    """What the ring has, in media time and in wall time."""
    oldest, newest = ring.oldest, ring.newest
    if oldest is None or newest is None:
        return "nothing yet"
    first_at, last_at = wire.format_utc(oldest.wall_utc_ms), wire.format_utc(newest.wall_utc_ms)
    return f"{oldest.t:.1f} to {newest.t:.1f} s, {first_at} to {last_at}"


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _show(value: Json) -> str:
    """Quote what a caller sent, cut to what belongs in a message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def _file(done: FinishedFile) -> dict[str, Json]:
    return {"file": done.name, "bytes": done.size_bytes, "sha256": done.sha256}
