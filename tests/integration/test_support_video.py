"""The synthetic clips are what they say: size, GOP, truth, and damage that a reader notices."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.model import Luma
from tests.support.video import (
    Codec,
    Damage,
    Scene,
    Shot,
    Visit,
    damage,
    draw,
    join_clips,
    make_clip,
    make_pictures,
)

pytestmark = pytest.mark.timeout(60)


def read_luma(path: Path) -> list[Luma]:
    """Decode a clip's brightness."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [frame.to_ndarray(format="gray").astype(np.uint8) for frame in frames]


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", "mp4"), ("hevc", "mp4"), ("mjpeg", "avi"), ("mpeg4", "mp4"), ("msmpeg4", "avi")],
)
def test_clip_has_its_codec_size_and_frames(tmp_path: Path, codec: Codec, suffix: str) -> None:
    clip = make_clip(tmp_path / f"clip.{suffix}", shot=Shot(seconds=2, codec=codec))
    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (320, 240)
        assert stream.average_rate == Fraction(10)
        assert stream.codec_context.name in {codec, "msmpeg4v3"}
        assert sum(1 for _ in container.decode(stream)) == 20


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_keyframes_stand_one_gop_apart(tmp_path: Path, codec: Codec) -> None:
    scene = Scene(visits=(Visit(0.5, 3.5),), cut_at_s=1.3)  # The cut must not add a keyframe.
    clip = make_clip(tmp_path / "clip.mp4", scene, Shot(gop_s=1.5, codec=codec))
    with av.open(str(clip.path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [i for i, packet in enumerate(packets) if packet.is_keyframe] == [0, 15, 30]
        assert all(packet.pts == packet.dts for packet in packets)


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    scene = Scene(visits=(Visit(0.5, 3.5),), noise=3)
    first = make_clip(tmp_path / "first.mp4", scene).path.read_bytes()
    assert make_clip(tmp_path / "second.mp4", scene).path.read_bytes() == first


def test_boxes_are_where_the_picture_changed(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", Scene(visits=(Visit(1.0, 3.0),)))
    empty, *rest = read_luma(clip.path)
    assert clip.spans == ((1.0, 3.0),)
    for luma, boxes in zip(rest, clip.boxes[1:], strict=True):
        # The chequers have twice the encoder's error and more, also on a light ground.
        ys, xs = np.nonzero(cv2.absdiff(luma, empty) > 40)
        assert len(boxes) == bool(len(xs))
        if boxes:
            seen = (xs.min() / 320, ys.min() / 240, (xs.max() + 1) / 320, (ys.max() + 1) / 240)
            assert seen == pytest.approx(boxes[0], abs=0.02)


def test_light_and_place_change_when_the_scene_says_so() -> None:
    drift, step, cut, noise = (
        np.array(list(draw(scene, Shot())), np.float32)
        for scene in (
            Scene(drift_per_s=5),
            Scene(step_at_s=2.0, step_by=30),
            Scene(cut_at_s=2.0),
            Scene(noise=4),
        )
    )
    assert drift[39].mean() - drift[0].mean() == pytest.approx(19.5, abs=1)
    assert step[19].mean() == step[0].mean()
    assert step[20].mean() - step[19].mean() == pytest.approx(30, abs=1)
    assert np.abs(cut[19] - cut[0]).mean() == 0
    assert np.abs(cut[20] - cut[19]).mean() > 10
    assert (noise[1] - noise[0]).std() == pytest.approx(4 * 2**0.5, abs=0.3)


def test_joined_clips_change_size_in_mid_stream(tmp_path: Path) -> None:
    small = make_clip(tmp_path / "a.mp4", shot=Shot(seconds=1)).path
    large = make_clip(tmp_path / "b.mp4", shot=Shot(seconds=1, size=(640, 480))).path
    joined = join_clips(tmp_path / "joined.h264", small, large)
    assert [luma.shape for luma in read_luma(joined)] == [(240, 320)] * 10 + [(480, 640)] * 10


def test_pictures_are_one_file_a_frame(tmp_path: Path) -> None:
    made = make_pictures(tmp_path / "pictures", Scene(visits=(Visit(0, 1),)), Shot(seconds=1))
    files = sorted(made.path.iterdir())
    assert [file.name for file in files] == [f"{i:04}.jpg" for i in range(10)]
    picture = cv2.imread(str(files[5]), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.shape == (240, 320)


@pytest.mark.parametrize("kind", ["cut", "empty", "text"])
def test_damaged_file_cannot_be_opened(tmp_path: Path, kind: Damage) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    bad = damage(clip.path, tmp_path / "bad.mp4", kind)
    with pytest.raises(av.error.FFmpegError):
        av.open(str(bad))


def test_cut_matroska_ends_early(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", Scene(noise=3))
    cut = damage(clip.path, tmp_path / "cut.mkv", "cut")
    assert 10 < len(read_luma(cut)) < 39


def test_flipped_bits_keep_the_packets_and_spoil_pictures(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", Scene(noise=3))
    bad = damage(clip.path, tmp_path / "bad.mp4", "flipped")
    with av.open(str(bad)) as container:
        assert sum(1 for packet in container.demux(video=0) if packet.size) == 40
    with av.open(str(bad)) as container:
        assert any(frame.is_corrupt for frame in container.decode(video=0))
    pairs = zip(read_luma(clip.path), read_luma(bad), strict=True)
    assert sum(not np.array_equal(whole, spoilt) for whole, spoilt in pairs) > 20
