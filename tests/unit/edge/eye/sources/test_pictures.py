"""A folder of pictures: what can't be read is said, and takes neither time nor the others away."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import SourceUnusable
from edge.eye.sources.catalog import plan_source
from edge.eye.sources.pictures import FPS
from edge.model import TICKS_PER_S
from tests.support.packets import packets_of, take_all
from tests.support.video import Scene, Shot, make_pictures

PICTURE_90K = TICKS_PER_S // FPS


def make_folder(path: Path) -> Path:
    """Five pictures, 0000.jpg to 0004.jpg."""
    return make_pictures(path, Scene(noise=2), Shot(seconds=1, fps=5)).path


def times_of(folder: Path) -> list[int]:
    """Read it to its end; when its pictures are shown, in pictures from the first."""
    items, error = take_all(plan_source(str(folder)).connect(lambda: 0, lambda _: 0))
    if error is not None:
        raise error
    return [packet.pts_90k // PICTURE_90K for packet in packets_of(items)]


def spoil(folder: Path) -> None:
    """Put everything into it that is named like a picture and is none, all before `good.jpg`."""
    whole = next(folder.iterdir()).read_bytes()
    for path in folder.iterdir():
        path.unlink()
    (folder / "a-text.jpg").write_text("Dear Sir")
    (folder / "b-cut.jpg").write_bytes(whole[:300])
    (folder / "c-folder.jpg").mkdir()
    (folder / "d-link.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "e-pipe.jpg")
    (folder / "notes.txt").write_text("no picture, and not named like one")
    (folder / "good.jpg").write_bytes(whole)


def test_bad_pictures_are_told_once_with_count_and_first_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder(tmp_path / "yard")
    spoil(folder)
    assert times_of(folder) == [0]
    assert caplog.messages == [
        "yard: 5 of 6 pictures can't be read and are left out, the first is a-text.jpg;"
        " get whole copies"
    ]


def test_picture_too_wide_for_the_encoder_is_left_out_like_a_bad_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder(tmp_path / "yard")
    cv2.imwrite(str(folder / "0001a.png"), np.zeros((32, 17_000), np.uint8))
    assert times_of(folder) == [0, 1, 3, 4, 5]
    assert len(caplog.messages) == 1
    assert "the first is 0001a.png" in caplog.messages[0]


def test_nothing_is_said_of_a_folder_of_good_pictures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder(tmp_path / "yard")
    (folder / "notes.txt").write_text("no picture, and not named like one")
    assert times_of(folder) == [0, 1, 2, 3, 4]
    assert caplog.messages == []


def test_bad_picture_keeps_its_time_and_media_time_begins_with_the_first_good_one(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path / "yard")
    for name in ("0000.jpg", "0002.jpg"):
        (folder / name).write_bytes(b"")
    assert times_of(folder) == [0, 2, 3]


def test_folder_of_bad_pictures_alone_is_told_from_an_empty_one(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "yard")
    spoil(folder)
    (folder / "good.jpg").unlink()
    says = "yard: none of the 5 pictures in it can be read, the first is a-text.jpg; get whole"
    with pytest.raises(SourceUnusable, match=says):
        times_of(folder)


def test_folder_without_a_name_is_named_all_the_same() -> None:
    with pytest.raises(SourceUnusable, match=r"^/: no picture in this folder"):
        times_of(Path("/"))
