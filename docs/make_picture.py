"""Draws the README's picture: runs the eye on the scene drawn by code, plots what it printed.

Nobody's footage goes into it. `make picture` runs it; the result is committed.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

import cv2

from edge.config.load import load_rules
from edge.errors import ModelError
from edge.thirdparty.sample import make_sample, sample_path
from edge.thirdparty.scene import LENGTH_S
from edge.thirdparty.store import Package

RULES = Path(__file__).parent / "example" / "yard.toml"
WIDTH, HEIGHT = 960, 666
FRAME_X, FRAME_Y, FRAME_W, FRAME_H = 24, 56, 512, 384
LOG_X, LOG_STEP = 560, 27
PLOT_X, PLOT_Y, PLOT_W, ROW_H = 196, 484, 724, 22
JPEG_QUALITY = 80
GHOST_S = 4.0
"""The followed box is drawn again this often along its way."""
INK, PALE, ZONE, LINE, TRACK = "#212529", "#868e96", "#e8590c", "#2b8a3e", "#1864ab"
COLOURS = {"intrusion": ZONE, "line": LINE}
REMARK = (
    "The scene is drawn by code. A car drives by too: it",
    "is looked at and stays untold, for the detector",
    "was trained on photographs.",
)
JOIN_S = 0.5
"""Bars of single frames closer than this are drawn as one."""
Line: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What the eye printed, by kind, and the first alert's snapshot as JPEG."""

    lines: tuple[Line, ...]
    snapshot: bytes

    def of(self, kind: str) -> list[Line]:
        """The lines of one kind, in their order."""
        return [line for line in self.lines if line["kind"] == kind]

    def media(self, role: str) -> list[Line]:
        """The finished files of one role."""
        return [line for line in self.of("media") if line["role"] == role]

    def rule_of(self, alert: str) -> Line:
        """The rule that opened an alert."""
        return next(line["rule"] for line in self.of("alert") if line["alert"] == alert)


def main() -> None:
    """Write the picture to the path given."""
    with tempfile.TemporaryDirectory(prefix="polewatch-") as folder:
        run = watch_drawn_scene(Path(folder))
    Path(sys.argv[1]).write_text(draw(run), encoding="utf-8")


def watch_drawn_scene(folder: Path) -> Run:
    """Draw the scene, and run the eye on it as a user would."""
    make_sample(folder, obtain=_obtain_nothing, say=lambda _: None)
    out = folder / "out"
    command = [str(Path(sys.executable).with_name("polewatch")), "eye", str(sample_path(folder))]
    options = ["--rules", str(RULES), "--tracks", "--motion", "--out", str(out)]
    done = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    lines = tuple(json.loads(line) for line in done.stdout.splitlines())
    first = Run(lines, b"").media("snapshot")[0]
    picture = cv2.imread(str(out / first["file"]))
    assert picture is not None
    small = cv2.resize(picture, (FRAME_W, FRAME_H), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return Run(lines, jpeg.tobytes())


def _obtain_nothing(_package: Package, _member: str, _folder: Path) -> Path:
    """Stand in for the registries, so that the scene is drawn although footage could be had."""
    raise ModelError("the picture is made of the drawn scene")


def draw(run: Run) -> str:
    """Draw the whole picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="14">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#ffffff"/>',
        _heading(FRAME_X, 36, "The snapshot of the first alert, and where the track went"),
        _heading(LOG_X, 36, "What was told, by second of the clip"),
        *_draw_frame(run),
        *_draw_log(run),
        *_draw_plot(run),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _draw_frame(run: Run) -> list[str]:
    data = base64.b64encode(run.snapshot).decode()
    drawn = load_rules(RULES).for_camera(None)
    parts = [
        f'<image x="{FRAME_X}" y="{FRAME_Y}" width="{FRAME_W}" height="{FRAME_H}" '
        f'href="data:image/jpeg;base64,{data}"/>'
    ]
    for zone in drawn.zones:
        points = _points(zone.points)
        parts.append(
            f'<polygon points="{points}" fill="{ZONE}" fill-opacity="0.15" stroke="{ZONE}" '
            'stroke-width="2" stroke-dasharray="7 4"/>'
        )
        parts.append(_text(*_place((0.985, 0.975)), f"zone {zone.name}", fill="#fff", anchor="end"))
    for line in drawn.lines:
        (x1, y1), (x2, y2) = _place(line.start), _place(line.end)
        shape = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        parts.append(f'<line {shape} stroke="{LINE}" stroke-width="3"/>')
        parts.append(_text(x1 + 6, y1 + 12, f"line {line.name}", fill="#fff"))
    return [*parts, *_draw_track(run)]


def _draw_track(run: Run) -> list[str]:
    """Draw the box at the snapshot's moment, faint ones later, and the way of the foot."""
    at_t = run.media("snapshot")[0]["from_t"]
    lines = [line for line in run.of("track") if line["phase"] != "close"]
    feet = [((line["box"][0] + line["box"][2]) / 2, line["box"][3]) for line in lines]
    parts = [f'<polyline points="{_points(feet)}" fill="none" stroke="{TRACK}" stroke-width="2"/>']
    next_t = at_t
    for line in lines:
        if line["t"] < next_t:
            continue
        is_first = next_t == at_t
        parts.append(_box(line["box"], width=3 if is_first else 1))
        if is_first:
            x, y = _place((line["box"][0], line["box"][1]))
            parts.append(_text(x, y - 6, f"{line['label']}, track {line['track']}", fill="#fff"))
        next_t += GHOST_S
    return parts


def _draw_log(run: Run) -> list[str]:
    parts = []
    for row, (t, words, colour) in enumerate(_told(run)):
        y = FRAME_Y + 16 + row * LOG_STEP
        parts.append(_text(LOG_X + 44, y, f"{t:.1f} s", fill=PALE, anchor="end"))
        parts.append(_text(LOG_X + 58, y, words, fill=colour))
    below = FRAME_Y + FRAME_H - (len(REMARK) - 1) * 18 - 4
    parts += [_text(LOG_X, below + row * 18, line, fill=PALE) for row, line in enumerate(REMARK)]
    return parts


def _told(run: Run) -> list[tuple[float, str, str]]:
    told = []
    for line in run.lines:
        t = line["t"]
        if line["kind"] == "source":
            size = f"{line['width']} × {line['height']}"
            told.append((t, f"source: {line['codec']}, {size}, {line['fps']:.0f} a second", INK))
        elif line["kind"] == "alert":
            told.append((t, _say_alert(line), COLOURS[line["rule"]["type"]]))
        elif line["kind"] == "media":
            rule = run.rule_of(line["alert"])
            told.append((t, _say_media(line, rule["name"]), COLOURS[rule["type"]]))
        elif line["kind"] == "end":
            told.append((t, f"end: {line['reason']}", INK))
    return told


def _say_alert(line: Line) -> str:
    data = line["data"]
    words = f"alert {line['phase']}: {line['rule']['type']} “{line['rule']['name']}”"
    if line["phase"] == "close":
        return f"{words}, {data['reason']}"
    return f"{words}, {data['label']}"


def _say_media(line: Line, rule: str) -> str:
    if line["role"] == "clip":
        span = f"{line['from_t']:.1f} to {line['to_t']:.1f} s"
        return f"clip of “{rule}”: {span}, {line['bytes'] / 1e6:.1f} MB"
    return f"snapshot of “{rule}”: {line['bytes'] // 1000} kB"


def _draw_plot(run: Run) -> list[str]:
    """Draw what happened over media time, a row for each kind."""
    decoded, looks = _draw_counters(run.of("sight"))
    rows = [
        ("something moves", _merged(run.of("motion"), 0, PALE)),
        ("frames decoded", decoded),
        ("looks of the detector", looks),
        ("track 1", _merged(run.of("track"), 3, TRACK)),
    ]
    for opened in [line for line in run.of("alert") if line["phase"] == "open"]:
        rows.append(_alert_row(run, opened, len(rows)))
    parts = [_heading(FRAME_X, PLOT_Y - 12, "The same minute, over time")]
    for index, (name, shapes) in enumerate(rows):
        parts.append(_text(PLOT_X - 12, _row_y(index) + 15, name, anchor="end"))
        parts += shapes
    return [*_axis(len(rows)), *parts]


def _draw_counters(sights: list[Line]) -> tuple[list[str], list[str]]:
    """Draw the rows that come from the sight lines: for each ten seconds how much was done."""
    chosen = [line for line in sights if line["t"] and line["t"] % 10 == 0] + sights[-1:]
    decoded, looks = [], []
    for before, after in zip([None, *chosen], chosen, strict=False):
        begin = before["t"] if before else 0.0
        frames, seen, found = (_gain(before, after, key) for key in _COUNTERS)
        decoded.append(_cell(begin, after["t"], 1, seen / frames))
        looks.append(_words_between(begin, after["t"], 2, str(found)))
    return decoded, looks


def _merged(lines: list[Line], row: int, colour: str) -> list[str]:
    """Draw a bar for each stretch of lines that follow closely."""
    spans: list[tuple[float, float]] = []
    for t in (line["t"] for line in lines):
        if spans and t - spans[-1][1] < JOIN_S:
            spans[-1] = (spans[-1][0], t)
        else:
            spans.append((t, t))
    return [_bar(begin, max(end, begin + 0.1), row, colour) for begin, end in spans]


_COUNTERS = ("frames", "decoded", "inferences")


def _gain(before: Line | None, after: Line, key: str) -> int:
    return int(after[key] - (before[key] if before else 0))


def _alert_row(run: Run, opened: Line, row: int) -> tuple[str, list[str]]:
    """An alert on top of the clip that was kept of it."""
    alert, colour = opened["alert"], COLOURS[opened["rule"]["type"]]
    of_alert = [line for line in run.of("alert") if line["alert"] == alert]
    shapes = [
        _bar(clip["from_t"], clip["to_t"], row, colour, opacity=0.25)
        for clip in run.media("clip")
        if clip["alert"] == alert
    ]
    shapes.append(_bar(opened["t"], of_alert[-1]["t"], row, colour))
    return f"alert “{opened['rule']['name']}”", shapes


def _axis(rows: int) -> list[str]:
    base = _row_y(rows) + 2
    parts = []
    for second in range(0, round(LENGTH_S) + 1, 10):
        x = _plot_x(second)
        shape = f'x1="{x:.1f}" x2="{x:.1f}" y1="{PLOT_Y}" y2="{base}"'
        parts.append(f'<line {shape} stroke="{PALE}" stroke-opacity="0.35"/>')
        parts.append(_text(x, base + 14, f"{second} s", fill=PALE, anchor="middle"))
    words = "Pale: the clip that was kept, from before the alert opened to after it closed."
    parts.append(_text(PLOT_X, base + 34, words, fill=PALE))
    return parts


def _cell(from_t: float, to_t: float, row: int, share: float) -> str:
    inner_s = to_t - from_t - 0.2
    whole = _bar(from_t + 0.1, to_t - 0.1, row, "#f1f3f5")
    filled = _bar(from_t + 0.1, from_t + 0.1 + inner_s * share, row, "#ced4da")
    return whole + filled + _words_between(from_t, to_t, row, f"{share:.0%}")


def _words_between(from_t: float, to_t: float, row: int, words: str) -> str:
    middle = (_plot_x(from_t) + _plot_x(to_t)) / 2
    return _text(middle, _row_y(row) + 15, words, anchor="middle")


def _bar(from_t: float, to_t: float, row: int, colour: str, *, opacity: float = 1.0) -> str:
    x, width = _plot_x(from_t), (to_t - from_t) / LENGTH_S * PLOT_W
    size = f'width="{width:.1f}" height="{ROW_H - 5}"'
    look = f'fill="{colour}" fill-opacity="{opacity}"'
    return f'<rect x="{x:.1f}" y="{_row_y(row) + 2}" {size} {look}/>'


def _box(box: list[float], *, width: int) -> str:
    (x, y), (x_max, y_max) = _place((box[0], box[1])), _place((box[2], box[3]))
    size = f'width="{x_max - x:.1f}" height="{y_max - y:.1f}"'
    look = f'fill="none" stroke="{TRACK}" stroke-width="{width}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} {look}/>'


def _heading(x: float, y: float, words: str) -> str:
    return f'<g font-weight="bold">{_text(x, y, words)}</g>'


def _text(x: float, y: float, words: str, *, fill: str = INK, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{fill}">{escape(words)}</text>'


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(_place, points))


def _place(point: tuple[float, float]) -> tuple[float, float]:
    """Fractions of the frame to the picture's own units."""
    return FRAME_X + point[0] * FRAME_W, FRAME_Y + point[1] * FRAME_H


def _plot_x(t: float) -> float:
    return PLOT_X + t / LENGTH_S * PLOT_W


def _row_y(row: int) -> int:
    return PLOT_Y + row * ROW_H


if __name__ == "__main__":
    main()
