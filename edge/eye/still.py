"""What a still picture needs beyond a frame of video: where to look, and putting looks together.

Its size is read before it is trusted. Recall matters here and cost less: a picture has no next
frame in which a missed thing is found. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import SourceUnusable
from edge.eye.postprocess import above_thresholds, place, suppress
from edge.eye.preprocess import square_around
from edge.model import Box, Detection, Frame

SIDE_PX_MIN = 16
SIDE_PX_MAX = 16_384
PIXELS_MAX = 50_000_000
"""A 50-megapixel picture takes 150 MB while it is decoded; the boards have 1 to 4 GB."""
WHOLE_SHARES = (1.0, 1.6, 2.5)
"""Side of the looks at the whole picture over its longer side. From afar the detector knows what
fills the picture: two people head to waist score 0.37 and 0.34 at 1.0, 0.59 and 0.57 at 2.5.
"""
CROP_SHARES = (0.5, 0.25)
"""The same of the crops."""
CROP_PX_MIN = 160
"""A smaller crop would be blown up to twice its size and more, which finds nothing."""
THRESHOLDS: Mapping[str, float] = {
    "person": 0.5,
    "car": 0.5,
    "vehicle": 0.5,
    "bicycle": 0.5,
    "dog": 0.5,
    "cat": 0.5,
    "animal": 0.5,
}
"""Own, on five street scenes: 12 things above 0.5 and all real; of 5 between 0.4 and 0.5 one is."""
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND"
_FRAME_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}
_FILL = 0xFF


def read_size(data: bytes) -> tuple[int, int]:
    """Find (width, height) in the head of a JPEG or PNG, before memory is spent on its pixels.

    Raises:
        SourceUnusable: another kind of file, one cut off, or a size that is not taken.
    """
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and _PNG_END in data[-64:]:
        width, height = _number(data[16:20]), _number(data[20:24])
    elif data.startswith(_JPEG):
        width, height = _jpeg_size(data)
    elif data.startswith(_PNG):
        raise SourceUnusable("a PNG that is cut off; get a whole copy")
    else:
        raise SourceUnusable("neither JPEG nor PNG; convert it to one of them")
    if min(width, height) < SIDE_PX_MIN or max(width, height) > SIDE_PX_MAX:
        sides = f"sides are {SIDE_PX_MIN} to {SIDE_PX_MAX} px"
        raise SourceUnusable(f"{width}x{height}: {sides}; scale it")
    if width * height > PIXELS_MAX:
        most = f"more than {PIXELS_MAX // 10**6} megapixels"
        raise SourceUnusable(f"{width}x{height}: {most}; make it smaller")
    return width, height


def decode(data: bytes) -> Frame:
    """Decode a JPEG or PNG as one frame, turned as its EXIF orientation says.

    Raises:
        SourceUnusable: it is none, too large, or damaged.
    """
    read_size(data)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SourceUnusable("damaged: its pixels can't be decoded; get a whole copy")
    return to_frame(np.asarray(picture, np.uint8))


def to_frame(bgr: npt.NDArray[np.uint8]) -> Frame:
    """Make the planes that the detector's crops are cut from.

    Args:
        bgr: (height, width, 3) uint8; odd sizes lose their last row or column.
    """
    height, width = bgr.shape[0] // 2 * 2, bgr.shape[1] // 2 * 2
    planes = cv2.cvtColor(bgr[:height, :width], cv2.COLOR_BGR2YUV_I420)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    return Frame(0, 0, np.asarray(planes[:height], np.uint8), chroma[0], chroma[1])


def regions(size_px: tuple[int, int]) -> list[Box]:
    """Where to look: the whole picture near and from afar, then squares of two sizes.

    Args:
        size_px: (width, height).

    Returns:
        Fractions of the picture; squares in pixels, which may reach beyond it. Those of one size
        overlap by half.
    """
    longer = max(size_px)
    whole = (0.0, 0.0, 1.0, 1.0)
    found = [
        square_around(whole, side_px=longer * share, size_px=size_px) for share in WHOLE_SHARES
    ]
    for share in CROP_SHARES:
        side_px = longer * share
        if side_px >= CROP_PX_MIN:
            found += _tiles(size_px, side_px)
    return found


def merge(
    looks: Iterable[tuple[Box, Sequence[Detection]]], thresholds: Mapping[str, float] = THRESHOLDS
) -> list[Detection]:
    """Put together what the looks found.

    Args:
        looks: each region with its detections, boxes in fractions of the region.
        thresholds: label → lowest score that counts; a label that is missing never does.

    Returns:
        Each thing once, by falling score; boxes in fractions of the picture.
    """
    placed = [item for region, found in looks for item in place(found, region)]
    return above_thresholds(thresholds, suppress(placed))


def _tiles(size_px: tuple[int, int], side_px: float) -> list[Box]:
    tiles = []
    for centre_y in _centres(size_px[1], side_px):
        for centre_x in _centres(size_px[0], side_px):
            centre = (centre_x, centre_y, centre_x, centre_y)
            tiles.append(square_around(centre, side_px=side_px, size_px=size_px))
    return tiles


def _centres(extent_px: int, side_px: float) -> list[float]:
    """Even steps of at most half a side, the first and the last at the borders; fractions."""
    if extent_px <= side_px:
        return [0.5]
    steps = math.ceil((extent_px - side_px) / (side_px / 2))
    first = side_px / 2 / extent_px
    return [first + (1 - 2 * first) * step / steps for step in range(steps + 1)]


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header.

    Source: ITU-T T.81, B.1.1 and B.2.2.
    """
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - the mark of markers
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            if data.rfind(_JPEG_END) < at:
                raise SourceUnusable("a JPEG that is cut off; get a whole copy")
            return _number(data[at + 7 : at + 9]), _number(data[at + 5 : at + 7])
        if marker == _FILL:
            at += 1
        elif marker in _BARE_MARKERS:
            at += 2
        else:
            at += 2 + _number(data[at + 2 : at + 4])
    raise SourceUnusable("a damaged JPEG: it has no frame header; get a whole copy")


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
