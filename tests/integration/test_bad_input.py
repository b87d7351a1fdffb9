"""Files and addresses that are no video: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.support.eye_process import ROOT, Ended, run_eye
from tests.support.video import Codec, Damage, Scene, Shot, Visit, damage, make_clip, make_pictures

pytestmark = pytest.mark.timeout(60)

SCENE = Scene(visits=(Visit(1.0, 4.0),), noise=2)
SHOT = Shot(seconds=10)
SOUND_HZ = 16_000


def film(path: Path) -> Path:
    return make_clip(path, SCENE, SHOT).path


def check_refusal(ended: Ended, out: Path, *, code: int, says: str) -> None:
    """One line with the name, what, and what to do; no trace; nothing left half-written."""
    assert ended.code == code, ended.errors
    told = [line for line in ended.errors.splitlines() if not line.startswith("INFO")]
    assert len(told) == 1, ended.errors
    assert told[0].startswith("polewatch: ")
    assert says in told[0]
    assert ";" in told[0], "it does not say what to do"
    assert not out.exists() or list(out.iterdir()) == []


def damaged(kind: Damage) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return damage(film(folder / "whole.mp4"), folder / f"{kind}.mp4", kind)

    return make


def mux_silence(container: av.container.OutputContainer, *, seconds: int) -> None:
    """Write a sound track; it stands before what is written after it."""
    stream = container.add_stream("aac", rate=SOUND_HZ)
    for second in range(seconds):
        frame = av.AudioFrame("fltp", "mono", SOUND_HZ)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.rate, frame.pts = SOUND_HZ, second * SOUND_HZ
        frame.time_base = Fraction(1, SOUND_HZ)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def sound_alone(folder: Path) -> Path:
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as container:
        mux_silence(container, seconds=1)
    return path


def missing(folder: Path) -> Path:
    return folder / "no.mp4"


def empty_folder(folder: Path) -> Path:
    path = folder / "pictures"
    path.mkdir()
    return path


def folder_of_text(folder: Path) -> Path:
    path = empty_folder(folder)
    (path / "a.jpg").write_text("Dear Sir")
    (path / "b.txt").write_text("Dear Sir")
    (path / "c.png").symlink_to(path / "nowhere.png")
    return path


def pipe(folder: Path) -> Path:
    path = folder / "pipe.mp4"
    os.mkfifo(path)
    return path


FAILED = [
    (damaged("cut"), "cut.mp4: this is not video that can be read, or it is cut off; get a whole"),
    (damaged("empty"), "empty.mp4: this is not video that can be read"),
    (damaged("text"), "text.mp4: this is not video that can be read"),
    (sound_alone, "sound.mp4: there is no video in it; name a file with video"),
    (missing, "no.mp4: there is no such file; check the path"),
    (empty_folder, "pictures: no picture in this folder; put"),
    (folder_of_text, "pictures: none of the 2 pictures in it can be read, the first is a.jpg; get"),
]


@pytest.mark.parametrize(("make", "says"), FAILED)
def test_what_is_no_video_fails_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    out = tmp_path / "out"
    check_refusal(run_eye(make(tmp_path), "--out", out), out, code=1, says=says)


def test_device_or_pipe_is_wrong_use(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = run_eye(pipe(tmp_path), "--out", out)
    check_refusal(ended, out, code=2, says="is no file; for a camera device say v4l2:DEVICE")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("v4l2:",), "names no device; say v4l2:/dev/video0"),
        (("rtsp://eye:geheim/x@host/main",), "this is no address of a camera; write rtsp://"),
        (("gopher://eye:geheim@host/main",), "gopher: is no kind of source"),
        (("lepton:",), "lepton: is no kind of source in this version"),
        (("rtsp://127.0.0.1:9/main", "--sub", "FILM"), "one is a camera, the other a file"),
    ],
)
def test_word_that_is_no_source_is_wrong_use(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    whole = str(film(tmp_path / "film.mp4"))
    ended = run_eye(*[whole if word == "FILM" else word for word in words])
    check_refusal(ended, tmp_path / "out", code=2, says=says)
    assert "geheim" not in ended.errors


AS_NOBODY = """
import locale, os, sys
import edge.commands.eye
from edge.cli import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(["eye", *sys.argv[1:]]))
"""
"""Gives up what root may, once everything is imported."""


@pytest.mark.parametrize("name", ["film.mp4", "pictures"])
def test_what_may_not_be_read_says_to_check_its_owner(tmp_path: Path, name: str) -> None:
    path = film(tmp_path / name) if name == "film.mp4" else empty_folder(tmp_path)
    path.chmod(0)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.is_relative_to(tempfile.gettempdir()) and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)
    command = [sys.executable, "-c", AS_NOBODY, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    path.chmod(0o755)
    assert done.returncode == 1
    says = f"polewatch: {name}: can't be read (Permission denied); check owner, mode and disk\n"
    assert done.stderr == says


@pytest.mark.parametrize(
    ("suffix", "says"),
    [
        (".mkv", "cut.mkv: the file is cut off; get a whole copy"),
        (".avi", "cut.avi: the file is cut off; get a whole copy"),
    ],
)
def test_what_was_whole_before_a_cut_is_analysed_and_alerted_first(
    tmp_path: Path, suffix: str, says: str
) -> None:
    codec: Codec = "mjpeg" if suffix == ".avi" else "h264"
    whole = make_clip(tmp_path / f"whole{suffix}", SCENE, Shot(seconds=10, codec=codec)).path
    cut = damage(whole, tmp_path / f"cut{suffix}", "cut")
    out = tmp_path / "out"
    ended = run_eye(cut, "--out", out)
    assert ended.code == 1
    assert [line for line in ended.errors.splitlines() if not line.startswith("INFO")] == [
        f"polewatch: {says}"
    ]
    phases = [line["phase"] for line in ended.of("alert") if line["phase"] != "update"]
    assert phases == ["open", "close"]
    assert all(line["file"] for line in ended.of("media"))
    assert len(ended.of("media")) == 2
    assert ended.of("sight")[-1]["frames"] >= 50
    assert ended.of("end")[0]["reason"] == says
    assert not [path for path in out.iterdir() if path.suffix == ".part"]


def test_flipped_bits_cost_pictures_not_the_run(tmp_path: Path) -> None:
    path = damage(film(tmp_path / "whole.mp4"), tmp_path / "flipped.mp4", "flipped")
    ended = run_eye(path)
    assert ended.code == 0
    assert ended.errors == ""
    assert ended.of("sight")[-1]["frames"] == 100


def test_sound_beside_the_picture_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "talkie.mkv"
    silent = film(tmp_path / "film.mp4")
    with av.open(str(silent)) as source, av.open(str(path), "w") as container:
        picture = source.streams.video[0]
        copy = container.add_stream_from_template(picture)
        mux_silence(container, seconds=10)
        for packet in source.demux(picture):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    out = tmp_path / "out"
    ended = run_eye(path, "--out", out)
    assert ended.code == 0
    assert ended.of("sight")[-1]["frames"] == 100
    clip = next(line for line in ended.of("media") if line["role"] == "clip")
    with av.open(str(out / clip["file"])) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_folder_of_pictures_of_all_sizes_is_seen_without_the_bad_ones(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "pictures", SCENE, Shot(seconds=4)).path
    make_pictures(tmp_path / "others", SCENE, Shot(seconds=2, size=(162, 122)))
    for path in (tmp_path / "others").iterdir():
        path.rename(folder / f"later-{path.name}")
    (folder / "0005-bad.jpg").write_text("no picture")
    (folder / "0006-100%d.jpg").write_bytes((folder / "0006.jpg").read_bytes())
    ended = run_eye(folder)
    assert ended.code == 0
    (said,) = ended.errors.splitlines()
    assert "pictures: 1 of 62 pictures can't be read and are left out, the first is 0005" in said
    assert [(line["width"], line["height"]) for line in ended.of("source")] == [
        (320, 240),
        (162, 122),
    ]
    assert ended.of("sight")[-1]["frames"] == 61


def test_unknown_option_and_nothing_to_look_at_are_wrong_use(tmp_path: Path) -> None:
    for words in ((), (str(film(tmp_path / "film.mp4")), "--camera", "yard"), ("--no-such",)):
        done = subprocess.run(
            [sys.executable, "-m", "edge.cli", "eye", *words],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
