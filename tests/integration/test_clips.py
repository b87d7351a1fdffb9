"""Clips: whole, playable from the first frame, exactly what their line says."""

from __future__ import annotations

import hashlib
import re
import resource
import shutil
import subprocess
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.bad_camera import REAL_TIME, BadCamera
from tests.support.disks import small_disk
from tests.support.eye_process import Ended, EyeProcess, Line, run_eye
from tests.support.faults import Faults
from tests.support.rtsp_server import GstRtspServer
from tests.support.video import Codec, Scene, Shot, Visit, draw, join_clips, make_clip

pytestmark = pytest.mark.timeout(120)

SIZE = (320, 240)
LARGE = (640, 480)
FILM = Path(__file__).parents[3] / "shared" / "data" / "video" / "people_yard_vtest.avi"


def scene_of(*visits: tuple[float, float]) -> Scene:
    return Scene(visits=tuple(Visit(enter, leave) for enter, leave in visits), noise=2)


def make(path: Path, *visits: tuple[float, float], seconds: float, **shot: object) -> Path:
    """Film visits; ten pictures a second, a keyframe each second unless told otherwise."""
    arguments = {"size": SIZE, "seconds": seconds, **shot}
    return make_clip(path, scene_of(*visits), Shot(**arguments)).path  # type: ignore[arg-type]


def clips_of(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["kind"] == "media" and line["role"] == "clip"]


def check_clip(folder: Path, line: Line) -> list[av.VideoFrame]:
    """Assert all that a media line promises of its clip; give its frames."""
    path = folder / line["file"]
    data = path.read_bytes()
    assert line["type"] == "video/mp4"
    assert line["bytes"] == len(data)
    assert line["sha256"] == hashlib.sha256(data).hexdigest()
    assert b"ftyp" in data[:12]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec_tag in ("avc1", "hvc1")
        packets = [packet for packet in container.demux(stream) if packet.size]
        check_packets(packets)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == len(packets), "a frame of the clip can't be decoded"
    times = [frame.time for frame in frames]
    assert all(before < after for before, after in pairwise(times))
    assert times[-1] - times[0] == pytest.approx(line["to_t"] - line["from_t"], abs=0.15)
    check_with_ffmpeg(path)
    return frames


def check_packets(packets: list[av.Packet]) -> None:  # type: ignore[type-arg]
    """A keyframe first, decode order rising, lengths and no start codes as MP4 wants."""
    assert packets[0].is_keyframe
    times = [packet.dts for packet in packets]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(times))
    for packet in packets:
        data, at = bytes(packet), 0
        while at < len(data):
            at += 4 + int.from_bytes(data[at : at + 4], "big")
        assert at == len(data), "not made of NAL units with lengths"


def check_with_ffmpeg(path: Path) -> None:
    """Another player finds nothing to complain of."""
    if shutil.which("ffmpeg") is None:
        return
    command = ["ffmpeg", "-v", "warning", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def check_tidy(folder: Path, ended: Ended) -> None:
    """Every file is named in a line, and nothing half-written is left."""
    named = {line["file"] for line in ended.of("media")}
    assert {path.name for path in folder.iterdir()} == named - {None}


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_clip_holds_pre_roll_event_and_post_roll(tmp_path: Path, codec: Codec) -> None:
    film = make(tmp_path / "film.mp4", (14.0, 18.0), seconds=34, codec=codec)
    out = tmp_path / "out"
    ended = run_eye(film, "--out", out)
    assert ended.code == 0
    opened, closed = (line for line in ended.of("alert") if line["phase"] != "update")
    (clip,) = clips_of(ended.lines)
    frames = check_clip(out, clip)
    assert opened["t"] - 11 <= clip["from_t"] <= opened["t"] - 10
    assert clip["to_t"] == pytest.approx(closed["t"] + 10, abs=0.15)
    assert len(frames) == round((clip["to_t"] - clip["from_t"]) * 10) + 1
    check_tidy(out, ended)


def test_clip_of_a_long_alert_ends_after_a_minute_and_one_more_shows_its_end(
    tmp_path: Path,
) -> None:
    always = [Visit(enter, enter + 6.0, y_min=0.1 + enter % 2 / 2) for enter in range(12, 90, 3)]
    film = make_clip(tmp_path / "film.mp4", Scene(tuple(always)), Shot(seconds=115)).path
    out = tmp_path / "out"
    ended = run_eye(film, "--out", out)
    opened, closed = (line for line in ended.of("alert") if line["phase"] != "update")
    first, second = clips_of(ended.lines)
    for clip in (first, second):
        check_clip(out, clip)
        assert clip["alert"] == opened["alert"]
    assert first["to_t"] == pytest.approx(opened["t"] + 60, abs=0.15)
    assert closed["t"] - 11 <= second["from_t"] <= closed["t"] - 10
    assert second["to_t"] == pytest.approx(closed["t"] + 10, abs=0.15)
    check_tidy(out, ended)


def test_b_frames_are_kept_in_their_order(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    scene, shot = scene_of((3.0, 7.0)), Shot(seconds=12, size=SIZE)
    with av.open(str(film), "w") as container:
        options = {"bf": "2", "g": "10", "preset": "veryfast", "b_adapt": "0"}
        stream = container.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height = SIZE
        for index, luma in enumerate(draw(scene, shot)):
            planes = np.vstack([luma, np.full((SIZE[1] // 2, SIZE[0]), 128, np.uint8)])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    out = tmp_path / "out"
    ended = run_eye(film, "--out", out)
    (clip,) = clips_of(ended.lines)
    frames = check_clip(out, clip)
    assert any(frame.pict_type == av.video.frame.PictureType.B for frame in frames)
    assert ended.of("source")[0]["t"] == 0
    assert clip["from_t"] == 0


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_clip_of_a_real_server_is_plain_mp4_without_start_codes(
    tmp_path: Path, codec: Codec
) -> None:
    film = make(tmp_path / "film.mp4", (1.0, 4.0), seconds=8, codec=codec)
    out = tmp_path / "out"
    options = ("--out", out, "--post-roll", "1")
    with GstRtspServer(film) as server, EyeProcess(server.url, *options) as eye:
        eye.wait_for(lambda lines: bool(clips_of(lines)), timeout_s=20)
        ended = eye.stop()
    clip = clips_of(ended.lines)[0]
    check_clip(out, clip)
    with av.open(str(out / clip["file"])) as container:
        tag = container.streams.video[0].codec_context.codec_tag
    assert tag == {"h264": "avc1", "hevc": "hvc1"}[codec]


def test_clip_is_cut_and_told_of_when_the_camera_dies_in_the_middle(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (1.0, 30.0), seconds=31)
    with (
        BadCamera(film, Faults(close_at=63), pace=REAL_TIME) as camera,
        EyeProcess(camera.url, "--out", tmp_path / "out") as eye,
    ):
        eye.wait_for(lambda lines: bool(clips_of(lines)), timeout_s=20)
        is_running = eye.is_running
        ended = eye.stop()
    assert is_running
    clip = clips_of(ended.lines)[0]
    assert clip["from_t"] == 0
    assert clip["to_t"] == pytest.approx(6.2, abs=0.3)
    # Of the last picture only a half had come.
    assert abs(len(_decodable(tmp_path / "out" / clip["file"])) - 63) <= 1
    check_tidy(tmp_path / "out", ended)


def _decodable(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def test_size_change_ends_the_clip_and_the_next_one_has_the_new_size(tmp_path: Path) -> None:
    parts = [
        make(tmp_path / "a.mp4", (1.0, 20.0), seconds=8),
        make(tmp_path / "b.mp4", (0.0, 4.0), seconds=20, size=LARGE),
    ]
    film = join_clips(tmp_path / "film.h264", *parts)
    out = tmp_path / "out"
    ended = run_eye(film, "--out", out, "--post-roll", "2")
    assert ended.code == 0
    sizes = [(line["width"], line["height"]) for line in ended.of("source")]
    assert sizes == [SIZE, LARGE]
    shapes = [
        (f[0].width, f[0].height) for f in (check_clip(out, c) for c in clips_of(ended.lines))
    ]
    assert shapes[0] == SIZE
    assert shapes[-1] == LARGE
    assert ended.of("sight")[-1]["frames"] == 280
    check_tidy(out, ended)


def test_film_of_one_keyframe_gives_a_clip_from_its_beginning(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (14.0, 18.0), seconds=25, gop_s=30)
    out = tmp_path / "out"
    ended = run_eye(film, "--out", out)
    assert ended.of("source")[0]["gop_s"] > 2
    (clip,) = clips_of(ended.lines)
    check_clip(out, clip)
    assert clip["from_t"] == 0


def test_ring_too_small_for_the_pre_roll_says_so_and_gives_what_it_has(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (14.0, 18.0), seconds=30)
    out = tmp_path / "out"
    cap = film.stat().st_size // 6
    ended = run_eye(film, "--out", out, "--ring-bytes", str(cap))
    opened = ended.of("alert")[0]
    (clip,) = clips_of(ended.lines)
    check_clip(out, clip)
    assert opened["t"] - 6 < clip["from_t"] <= opened["t"]
    assert ended.errors.count("less than the pre-roll: raise ring_bytes") == 1


def test_gop_beyond_the_ring_gives_a_clip_from_the_next_keyframe(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (4.0, 14.0), seconds=20, gop_s=6)
    out = tmp_path / "out"
    cap = film.stat().st_size // 8
    ended = run_eye(film, "--out", out, "--ring-bytes", str(cap))
    opened = next(line for line in ended.of("alert") if line["phase"] == "open")
    clip = clips_of(ended.lines)[0]
    check_clip(out, clip)
    assert clip["from_t"] >= opened["t"]
    assert clip["from_t"] % 6 == 0


def test_sub_stream_is_analysed_and_main_only_kept(tmp_path: Path) -> None:
    main = make(tmp_path / "main.mp4", (4.0, 8.0), seconds=16, codec="hevc", size=LARGE)
    sub = make(tmp_path / "sub.mp4", (4.0, 8.0), seconds=16)
    out = tmp_path / "out"
    runs = [run_eye(main, "--sub", sub, "--out", out, "--tracks") for _ in range(2)]
    first, second = ([_without_times(line) for line in run.lines] for run in runs)
    assert first == second
    ended = runs[1]
    assert [line["width"] for line in ended.of("source")] == [640]
    (clip,) = clips_of(ended.lines)
    frames = check_clip(out, clip)
    assert (frames[0].width, frames[0].height) == LARGE
    snapshot = next(line for line in ended.of("media") if line["role"] == "snapshot")
    with av.open(str(out / snapshot["file"])) as picture:
        assert picture.streams.video[0].width == 640
    assert ended.of("sight")[-1]["frames"] == 160


def _without_times(line: Line) -> Line:
    return {key: value for key, value in line.items() if key not in ("at", "cpu_s", "rss_mb")}


def test_shorter_main_file_does_not_end_the_analysis_of_its_sub(tmp_path: Path) -> None:
    main = make(tmp_path / "main.mp4", (1.0, 2.0), seconds=3)
    sub = make(tmp_path / "sub.mp4", (5.0, 9.0), seconds=12)
    ended = run_eye(main, "--sub", sub)
    assert ended.code == 0
    assert ended.of("sight")[-1]["frames"] == 120
    assert [line["phase"] for line in ended.of("alert") if line["phase"] != "update"] == [
        "open",
        "close",
    ]


def test_real_pace_takes_as_long_as_the_film(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", seconds=5)
    ended = run_eye(film, "--pace", "real")
    assert ended.code == 0
    assert 4.9 < ended.took_s < 9
    assert ended.of("sight")[-1]["frames"] == 50


def check_full_disk(ended: Ended, out: Path) -> None:
    """The alert is told, the clip is cut short and its line says why, and the eye goes on."""
    assert ended.code == 0
    assert [line["phase"] for line in ended.of("alert") if line["phase"] != "update"] == [
        "open",
        "close",
    ]
    clip = clips_of(ended.lines)[0]
    assert clip["reason"].startswith("cut short: ")
    assert re.search("can't be (written|finished)", clip["reason"])
    opened = ended.of("alert")[0]
    assert clip["from_t"] < opened["t"] - 5
    assert clip["to_t"] < opened["t"] + 10
    assert len(check_clip(out, clip)) == round((clip["to_t"] - clip["from_t"]) * 10) + 1
    assert ended.of("sight")[-1]["frames"] == 300
    check_tidy(out, ended)


def test_full_disk_costs_the_clip_and_nothing_else(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (14.0, 18.0), seconds=30)
    with small_disk(tmp_path / "out", size_bytes=128 * 1024) as out:
        check_full_disk(run_eye(film, "--out", out), out)


def test_read_only_disk_costs_the_files_and_nothing_else(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (3.0, 5.0), seconds=7)
    with small_disk(tmp_path / "out", size_bytes=128 * 1024, mode="ro") as out:
        ended = run_eye(film, "--out", out)
    assert ended.code == 0
    assert {line["file"] for line in ended.of("media")} == {None}
    assert all("Read-only" in line["reason"] for line in ended.of("media"))
    assert ended.lines[-1]["kind"] == "end"


def test_file_size_limit_costs_the_clip_and_nothing_else(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (14.0, 18.0), seconds=30)
    out = tmp_path / "out"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with EyeProcess(film, "--out", out, limits=limit) as eye:
        eye.wait_for(lambda lines: any(line["kind"] == "end" for line in lines), timeout_s=60)
        ended = eye.wait()
    check_full_disk(ended, out)


def test_folder_that_goes_away_costs_the_files_and_nothing_else(tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", (3.0, 5.0), seconds=7)
    out = tmp_path / "out"
    with EyeProcess(film, "--out", out, "--pace", "real") as eye:
        eye.wait_for(lambda lines: any(line["kind"] == "source" for line in lines))
        out.rmdir()
        eye.wait_for(lambda lines: any(line["kind"] == "end" for line in lines), timeout_s=40)
        ended = eye.wait()
    assert ended.code == 0
    assert {line["file"] for line in ended.of("media")} == {None}
    assert all("can't be" in line["reason"] for line in ended.of("media"))


def test_real_footage_without_h264_gives_playable_clips(tmp_path: Path) -> None:
    if not FILM.exists():
        pytest.skip(f"no real footage here: {FILM.name}")
    film, out = tmp_path / "film.avi", tmp_path / "out"
    with av.open(str(FILM)) as source, av.open(str(film), "w") as container:
        copy = container.add_stream_from_template(source.streams.video[0])
        for packet in islice(source.demux(video=0), 200):
            packet.stream = copy
            container.mux(packet)
    ended = run_eye(film, "--out", out)
    assert ended.code == 0
    source_line = ended.of("source")[0]
    assert (source_line["codec"], source_line["gop_s"]) == ("h264", 1.0)
    assert ended.of("sight")[-1]["frames"] == 200
    for clip in clips_of(ended.lines):
        check_clip(out, clip)
