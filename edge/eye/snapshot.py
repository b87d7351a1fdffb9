"""One frame of the main stream as JPEG, decoded from the ring at a chosen moment."""

from __future__ import annotations

import cv2
import numpy as np

from edge.eye.decode import Decoder
from edge.eye.preprocess import to_rgb
from edge.eye.ring import Ring
from edge.model import Frame

JPEG_QUALITY = 88


def decode_at(ring: Ring, at_90k: int) -> Frame | None:
    """Decode the frame nearest a moment: its GOP from the keyframe up to it.

    Returns:
        The frame, or None when the ring no longer holds the moment or the GOP is damaged.
    """
    gop = ring.gop_at(at_90k)
    if gop is None:
        return None
    decoder = Decoder(gop.format)
    nearest: Frame | None = None
    frames = []
    for packet in list(gop.packets):
        frames = decoder.decode(packet)
        nearest = _nearest(nearest, frames, at_90k)
        if nearest is not None and nearest.pts_90k >= at_90k:
            return nearest
    return _nearest(nearest, decoder.drain(), at_90k)


def encode_jpeg(frame: Frame, *, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a whole frame."""
    bgr = cv2.cvtColor(to_rgb(frame), cv2.COLOR_RGB2BGR)
    is_good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert is_good
    return bytes(np.asarray(data, np.uint8))


def _nearest(best: Frame | None, frames: list[Frame], at_90k: int) -> Frame | None:
    candidates = [*([best] if best is not None else []), *frames]
    return min(candidates, key=lambda frame: abs(frame.pts_90k - at_90k), default=None)
