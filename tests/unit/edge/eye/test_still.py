"""Still pictures: what is refused unread, where is looked, how looks are put together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceUnusable
from edge.eye import still
from edge.labels import GIVEN
from edge.model import Box, Detection

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def make_picture(
    width: int, height: int, *, kind: str = ".png", colour: tuple[int, int, int] = (30, 60, 200)
) -> bytes:
    """Encode a picture of one colour (BGR)."""
    picture = np.full((height, width, 3), colour, np.uint8)
    is_good, data = cv2.imencode(kind, picture)
    assert is_good
    return data.tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF block with nothing but an orientation behind the start of a JPEG."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\x00\x00"
    exif = b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_size_is_read_from_the_head(kind: str) -> None:
    assert still.read_size(make_picture(160, 90, kind=kind)) == (160, 90)


@pytest.mark.parametrize("between", [b"\xff\x01", b"\xff\xff", b"\xff\xff\xff\x01\xff"])
def test_markers_without_a_length_and_fill_bytes_are_passed_over(between: bytes) -> None:
    jpeg = make_picture(160, 90, kind=".jpg")
    assert still.decode(jpeg[:2] + between + jpeg[2:]).y.shape == (90, 160)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither JPEG nor PNG"),
        (b"hello, world", "neither JPEG nor PNG"),
        (make_picture(160, 90, kind=".bmp"), "neither JPEG nor PNG"),
        (make_picture(160, 90)[:-20], "cut off"),
        (make_picture(160, 90, kind=".jpg")[:-20], "cut off"),
        (b"\xff\xd8\xff\xe0\x00\x04ab", "no frame header"),
        (b"\xff\xd8" + b"\xff" * 5000, "no frame header"),
        (make_picture(8, 90), "8x90"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(SourceUnusable, match=words) as raised:
        still.read_size(data)
    assert ";" in str(raised.value), "it does not say what to do"


def test_huge_picture_is_refused_before_it_is_decoded() -> None:
    small = make_picture(160, 90)
    sides = (16_000).to_bytes(4, "big") * 2
    with pytest.raises(SourceUnusable, match="16000x16000"):
        still.decode(small[:16] + sides + small[24:])


def test_picture_with_damaged_pixels_is_refused() -> None:
    whole = bytearray(make_picture(160, 90))
    whole[45:90] = b"\x00" * 45
    with pytest.raises(SourceUnusable, match="decoded"):
        still.decode(bytes(whole))


def test_picture_is_turned_as_its_exif_orientation_says() -> None:
    upright = make_picture(160, 90, kind=".jpg")
    assert still.decode(upright).y.shape == (90, 160)
    assert still.decode(with_orientation(upright, 6)).y.shape == (160, 90)


def test_odd_sizes_lose_their_last_row_and_column() -> None:
    frame = still.decode(make_picture(161, 91))
    assert frame.y.shape == (90, 160)
    assert frame.u.shape == frame.v.shape == (45, 80)


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_every_place_is_looked_at_in_each_size(width: int, height: int) -> None:
    regions = still.regions((width, height))
    sides = {round((box[2] - box[0]) * width, 3) for box in regions}
    assert len(sides) in (3, 4, 5)
    for side in sides:
        looks = [box for box in regions if round((box[2] - box[0]) * width, 3) == side]
        assert min(box[0] for box in looks) <= 1e-9
        assert min(box[1] for box in looks) <= 1e-9
        assert max(box[2] for box in looks) >= 1 - 1e-9
        assert max(box[3] for box in looks) >= 1 - 1e-9
    assert len(regions) <= 3 + 9 + 49


def test_small_picture_is_not_cut_up() -> None:
    assert len(still.regions((300, 200))) == 3


def test_full_hd_is_looked_at_whole_and_in_crops_of_two_sizes() -> None:
    regions = still.regions((1920, 1080))
    sides = sorted({round((box[2] - box[0]) * 1920) for box in regions})
    assert sides == [480, 960, 1920, 3072, 4800]


def test_thing_seen_in_two_looks_is_told_once_where_it_is() -> None:
    in_whole = Detection("car", 0.6, (0.5, 0.5, 0.75, 0.75))
    in_crop = Detection("vehicle", 0.8, (0.25, 0.25, 0.75, 0.75))
    looks = [(WHOLE, [in_whole]), ((0.375, 0.375, 0.875, 0.875), [in_crop])]
    assert still.merge(looks) == [Detection("vehicle", 0.8, (0.5, 0.5, 0.75, 0.75))]


def test_thing_cut_by_a_crop_s_inner_border_is_left_to_another_look() -> None:
    cut = Detection("person", 0.9, (0.5, 0.2, 1.0, 0.8))
    assert still.merge([((0.0, 0.0, 0.5, 0.5), [cut])]) == []
    assert len(still.merge([(WHOLE, [cut])])) == 1


def test_each_label_has_its_own_threshold() -> None:
    person = Detection("person", 0.45, (0.1, 0.1, 0.2, 0.4))
    dog = Detection("dog", 0.45, (0.6, 0.6, 0.8, 0.8))
    found = still.merge([(WHOLE, [person, dog])], {"person": 0.4, "dog": 0.5})
    assert found == [person]


def test_whatever_the_detector_gives_has_a_threshold() -> None:
    assert set(still.THRESHOLDS) == GIVEN
