"""Pictures for a person to judge by: keyframes with truth and tracks, a sheet of all snapshots."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from edge.model import Box
from tests.replay.eye_run import EyeRun, TrackLine
from tests.replay.score import find_at
from tests.replay.truth import Keyframe, Truth

Bgr = npt.NDArray[np.uint8]
"""(height, width, 3) uint8, BGR, OpenCV's order"""

GREEN, RED, WHITE = (0, 200, 0), (0, 0, 255), (255, 255, 255)
DRAWN_PX_MIN = 960
"""Smaller pictures are enlarged to this width, or labels would hide what they name."""
TILE_PX = (384, 216)
CAPTION_PX = 36
COLUMN_COUNT = 4


def draw_keyframes(truth: Truth, tracks: Sequence[TrackLine], folder: Path) -> None:
    """Write each keyframe of the truth as a JPEG: truth green, tracks red with id and label."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {keyframe.frame: keyframe for keyframe in truth.keyframes}
    for frame, picture in _decode(truth.clip, set(wanted)):
        drawn = _draw(picture, wanted[frame], tracks)
        _save(folder / f"{truth.name}_{frame:05d}.jpg", drawn)


def save_contact_sheet(runs: Sequence[EyeRun], path: Path) -> int:
    """Put the snapshots of all alerts on one sheet, in the order of the runs.

    Returns:
        How many there were; with none no file is written.
    """
    tiles = [tile for run in runs for tile in _make_tiles(run)]
    blank = np.zeros((TILE_PX[1] + CAPTION_PX, TILE_PX[0], 3), np.uint8)
    rows = [
        np.hstack([*tiles[at : at + COLUMN_COUNT], *[blank] * COLUMN_COUNT][:COLUMN_COUNT])
        for at in range(0, len(tiles), COLUMN_COUNT)
    ]
    if rows:
        _save(path, np.vstack(rows))
    return len(tiles)


def _make_tiles(run: EyeRun) -> Iterator[Bgr]:
    opened = {line.alert: line for line in run.lines.opened}
    for media in run.lines.media:
        if media.role != "snapshot" or media.file is None:
            continue
        picture = cv2.imread(str(run.out_dir / media.file))
        if picture is None:
            raise ValueError(f"{media.file}: not a picture")
        alert = opened[media.alert]
        tracks = ",".join(map(str, alert.tracks))
        yield _make_tile(
            np.asarray(picture, np.uint8),
            (run.clip.stem, f"{alert.rule_name}  t={alert.t:.2f}  tracks {tracks}"),
        )


def _make_tile(picture: Bgr, caption: tuple[str, str]) -> Bgr:
    tile = np.zeros((TILE_PX[1] + CAPTION_PX, TILE_PX[0], 3), np.uint8)
    scale = min(TILE_PX[0] / picture.shape[1], TILE_PX[1] / picture.shape[0])
    width, height = int(picture.shape[1] * scale), int(picture.shape[0] * scale)
    left = (TILE_PX[0] - width) // 2
    tile[:height, left : left + width] = cv2.resize(
        picture, (width, height), interpolation=cv2.INTER_AREA
    )
    for text, y in zip(caption, (14, 30), strict=True):
        _write(tile, text, at=(4, TILE_PX[1] + y), colour=WHITE)
    return tile


def _decode(clip: Path, wanted: set[int]) -> Iterator[tuple[int, Bgr]]:
    with av.open(str(clip)) as container:
        frames = itertools.islice(container.decode(video=0), max(wanted, default=-1) + 1)
        for frame, picture in enumerate(frames):
            if frame in wanted:
                yield frame, np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)


def _draw(picture: Bgr, keyframe: Keyframe, tracks: Sequence[TrackLine]) -> Bgr:
    scale = max(1.0, DRAWN_PX_MIN / picture.shape[1])
    drawn = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)
    for known in keyframe.boxes:
        _outline(drawn, known.box, colour=GREEN, thickness=4)
    found, offset_s = find_at(tracks, keyframe.t)
    for one in found:
        x, y = _outline(drawn, one.box, colour=RED, thickness=2)
        _write(drawn, f"{one.track} {one.label}", at=(x, max(12, y - 4)), colour=RED)
    near = "no analysed frame near" if offset_s is None else f"analysed {offset_s:.3f} s off"
    _write(drawn, f"t={keyframe.t:.2f}  {near}", at=(6, drawn.shape[0] - 8), colour=WHITE)
    return drawn


def _outline(
    picture: Bgr, box: Box, *, colour: tuple[int, int, int], thickness: int
) -> tuple[int, int]:
    height, width = picture.shape[:2]
    first = (round(box[0] * width), round(box[1] * height))
    cv2.rectangle(
        picture, first, (round(box[2] * width), round(box[3] * height)), colour, thickness
    )
    return first


def _write(picture: Bgr, text: str, *, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    # Dark below light keeps it readable on any ground.
    for shade, thickness in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, shade, thickness)


def _save(path: Path, picture: Bgr) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path}: could not be written")
