"""Whatever comes in, H.264 with a keyframe a second comes out, a packet a frame."""

from __future__ import annotations

import av
import numpy as np
import pytest

from edge.eye.sources.describe import describe_annex_b
from edge.eye.sources.encoder import GopEncoder
from edge.model import TICKS_PER_S

FRAME_90K = TICKS_PER_S // 5


def make_frame(width: int, height: int, *, pixels: str = "bgr24") -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="bgr24")
    return frame.reformat(format=pixels)


@pytest.mark.parametrize(
    ("size", "coded"),
    [((320, 240), (320, 240)), ((321, 241), (320, 240)), ((17, 16), (16, 16)), ((2, 2), (2, 2))],
)
def test_odd_sizes_lose_their_last_row_or_column(
    size: tuple[int, int], coded: tuple[int, int]
) -> None:
    ((data, is_keyframe),) = GopEncoder().encode(make_frame(*size), 0)
    assert is_keyframe
    picture = describe_annex_b(data, "h264")
    assert (picture.width, picture.height) == coded


@pytest.mark.parametrize("pixels", ["yuvj422p", "gray", "yuyv422", "rgba", "yuv420p10le"])
def test_any_pixel_format_is_taken(pixels: str) -> None:
    assert GopEncoder().encode(make_frame(64, 48, pixels=pixels), 0)[0][1]


def test_keyframe_comes_each_second_of_media_time_whatever_the_rate() -> None:
    encoder = GopEncoder()
    times = [index * FRAME_90K for index in range(15)] + [900_000, 900_001]
    packets = [encoder.encode(make_frame(64, 48), pts) for pts in times]
    assert all(len(each) == 1 for each in packets)
    keyed = [pts for pts, ((_, is_keyframe),) in zip(times, packets, strict=True) if is_keyframe]
    assert keyed == [0, TICKS_PER_S, 2 * TICKS_PER_S, 900_000]


def test_size_change_begins_anew_with_a_keyframe() -> None:
    encoder = GopEncoder()
    encoder.encode(make_frame(64, 48), 0)
    ((data, is_keyframe),) = encoder.encode(make_frame(128, 96), FRAME_90K)
    assert is_keyframe
    assert describe_annex_b(data, "h264").width == 128
