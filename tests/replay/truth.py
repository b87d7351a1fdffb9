"""Reads the truth files of the development clips into dataclasses.

Frame numbers become media time by the clip's own frame times, pixels become fractions. What a
label of an eye means for a group of the truth is decided in `score`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from edge.model import Box

CHECKOUT = Path(__file__).resolve().parents[2]
GROUPS = ("person", "vehicle", "cyclist")
EDGE_S = 0.5
"""How well the truth knows when somebody comes or goes (one_by_one_person, note)."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of media time, seconds, both ends in."""

    from_t: float
    to_t: float

    def holds(self, t: float, *, inset_s: float = 0.0) -> bool:
        """Whether `t` lies inside, at least `inset_s` from either end."""
        return self.from_t + inset_s <= t <= self.to_t - inset_s


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One thing a person saw in one frame."""

    group: str
    box: Box


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A frame whose boxes are all known; `frame` counts decoded pictures from 0."""

    frame: int
    t: float
    boxes: tuple[TruthBox, ...]


@dataclass(frozen=True, slots=True)
class Presence:
    """One thing with an identity, and when it was in view."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Truth:
    """All that is known of a clip.

    `groups` are those whose boxes or presence the truth names in full. `visits` are the times an
    alert must open for, `empty` those in which none may; both are empty where nobody noted them.
    """

    clip: Path
    groups: tuple[str, ...]
    duration_s: float
    keyframes: tuple[Keyframe, ...]
    ignore: tuple[Box, ...]
    objects: tuple[Presence, ...]
    visits: tuple[Span, ...]
    empty: tuple[Span, ...]

    @property
    def name(self) -> str:
        """The clip's file name without its ending."""
        return self.clip.stem


@dataclass(frozen=True, slots=True)
class _Clock:
    """A clip's picture size and the time of every frame, seconds from the first."""

    width: int
    height: int
    frame_t: tuple[float, ...]

    def to_box(self, pixels: list[float]) -> Box:
        x_min, y_min, x_max, y_max = pixels
        return (
            x_min / self.width,
            y_min / self.height,
            x_max / self.width,
            y_max / self.height,
        )

    def to_span(self, frames: list[int]) -> Span:
        return Span(self.frame_t[frames[0]], self.frame_t[frames[1]])


def video_folder() -> Path | None:
    """Return the folder of development clips beside the checkout, or None where there is none."""
    folder = CHECKOUT.parent / "shared" / "data" / "video"
    return folder if any(folder.glob("*.gt.json")) else None


def load_all(folder: Path) -> list[Truth]:
    """Read every truth file of a folder, by name."""
    return [load_truth(path) for path in sorted(folder.glob("*.gt.json"))]


def load_truth(path: Path) -> Truth:
    """Read one truth file and the frame times of the clip beside it."""
    raw: dict[str, Any] = json.loads(path.read_text())
    clip = path.parent / str(raw["clip"])
    clock = _load_clock(clip)
    objects = _parse_objects(raw, clock)
    visits = tuple(Span(*pair) for pair in raw.get("presence_s", [])) or tuple(
        known.span for known in objects
    )
    duration_s = clock.frame_t[-1]
    empty = tuple(Span(*pair) for pair in raw.get("empty_s", []))
    return Truth(
        clip=clip,
        groups=_parse_groups(raw),
        duration_s=duration_s,
        keyframes=tuple(_parse_keyframe(entry, raw, clock) for entry in raw.get("keyframes", [])),
        ignore=tuple(clock.to_box(pixels) for pixels in raw.get("ignore_regions", [])),
        objects=objects,
        visits=visits,
        empty=empty or find_gaps(visits, duration_s=duration_s, inset_s=EDGE_S),
    )


def find_gaps(spans: tuple[Span, ...], *, duration_s: float, inset_s: float) -> tuple[Span, ...]:
    """Find the times outside all spans, drawn in where they touch one; none without a span."""
    if not spans:
        return ()
    gaps: list[Span] = []
    last_t = 0.0
    for span in sorted(spans, key=lambda item: item.from_t):
        gaps.append(Span(last_t, span.from_t - inset_s))
        last_t = max(last_t, span.to_t + inset_s)
    gaps.append(Span(last_t, duration_s))
    return tuple(gap for gap in gaps if gap.from_t < gap.to_t)


def _load_clock(clip: Path) -> _Clock:
    """Decode a clip once for its frame times.

    Frames come out in the order shown, but an MPEG-4 file with packed B-frames
    (traffic_oncoming.avi) gives them each other's pts; sorted, they are right again.
    """
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        time_base = stream.time_base
        assert time_base is not None
        pts = sorted(frame.pts for frame in container.decode(stream) if frame.pts is not None)
        times = tuple(float((value - pts[0]) * time_base) for value in pts)
        return _Clock(stream.width, stream.height, times)


def _parse_groups(raw: Mapping[str, Any]) -> tuple[str, ...]:
    if raw["label"] == "mixed":
        named = {name for entry in raw["keyframes"] for name in entry}
        return tuple(group for group in GROUPS if group in named)
    return tuple(group for group in GROUPS if group == raw["label"])


def _parse_keyframe(entry: Mapping[str, Any], raw: Mapping[str, Any], clock: _Clock) -> Keyframe:
    boxes = [TruthBox(str(raw["label"]), clock.to_box(box)) for box in entry.get("boxes", [])]
    for group in GROUPS:
        boxes += [TruthBox(group, clock.to_box(box)) for box in entry.get(group, [])]
    frame = int(entry["frame"])
    return Keyframe(frame, clock.frame_t[frame], tuple(boxes))


def _parse_objects(raw: Mapping[str, Any], clock: _Clock) -> tuple[Presence, ...]:
    people = [Presence(str(v["who"]), Span(v["s"], v["e"])) for v in raw.get("visits", [])]
    cars = [
        Presence(f"{car['colour']} car from the {car['enter']}", clock.to_span(car["frames"]))
        for car in raw.get("cars", [])
    ]
    return tuple(people + cars)
