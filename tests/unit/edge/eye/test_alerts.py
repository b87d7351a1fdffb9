"""From decisions to lines, a snapshot and clips: each once, in time, or with the reason why not.

The clips here are a few kilobytes in a temporary folder: the writer stands behind no port.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import av
import pytest

from edge.eye.alerts import Alerts, MediaPlan
from edge.eye.analysis import Seen
from edge.eye.ring import Ring
from edge.model import TICKS_PER_S, AlertChange, Packet, Stamp, StreamFormat, Track
from tests.support.builders import Stage, make_frame
from tests.support.streams import delay, encode_stream
from tests.support.tracks import make_track

FPS = 4.0
Line = dict[str, Any]


@cache
def make_stream() -> tuple[StreamFormat, tuple[Packet, ...]]:
    """A minute and a half of an empty place, small and slow, a keyframe each second."""
    stage = Stage(shape=(48, 64))
    stream_format, packets = encode_stream(stage.film(100, fps=FPS), fps=FPS)
    return stream_format, tuple(packets)


def make_change(
    phase: str, t: float, *, ordinal: int = 1, tracks: tuple[int, ...] = (1,)
) -> AlertChange:
    return AlertChange(
        phase,  # type: ignore[arg-type]
        ordinal, "intrusion", "yard", "major", t, tracks, data={"label": "person"},
    )  # fmt: skip


def make_seen(t: float, tracks: Sequence[Track] = ()) -> Seen:
    frame = make_frame(t=t)
    return Seen(
        frame, frame.y, (), (), tuple(tracks), inferences=0, is_active=True, is_dark=False
    )  # fmt: skip


def make_scored(score: float, *, track: int = 1) -> Track:
    return replace(make_track(track), score=score)


class Desk:
    """Alerts with their ring, and the lines they print."""

    def __init__(self, folder: Path | None = None) -> None:
        self.lines: list[Line] = []
        self.folder = folder
        stream_format, packets = make_stream()
        self._packets = list(packets)
        self.ring = Ring(bytes_max=10**7, seconds_max=12.0)
        self.ring.begin(stream_format)
        self.alerts = Alerts(
            lambda line: self.lines.append(json.loads(line)),
            lambda t: Stamp("yard", t, round(t * 1000)),
            self.ring,
            plan=MediaPlan(folder, pre_roll_s=5.0, post_roll_s=3.0),
            make_id=lambda ordinal: f"A{ordinal}",
        )

    def play(self, to_t: float) -> None:
        """Let packets come up to a time, included, and settle after each."""
        while self._packets and self._packets[0].t <= to_t:
            packet = self._packets.pop(0)
            self.ring.append(packet)
            self.alerts.packet(packet)
            self.alerts.settle(packet.t)

    def lose(self, to_t: float) -> None:
        """Let packets up to a time go by unseen: the stream broke off."""
        self.ring.interrupt()
        self._packets = [packet for packet in self._packets if packet.t > to_t]

    def change(self, phase: str, t: float, *, seen: Seen | None = None, ordinal: int = 1) -> None:
        """One change at a time, on a frame."""
        self.alerts.change([make_change(phase, t, ordinal=ordinal)], seen)

    def media(self, role: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == "media" and line["role"] == role]

    def told(self) -> list[tuple[str, str | None]]:
        return [(line["phase"], line["alert"]) for line in self.lines if line["kind"] == "alert"]


def read_clip(folder: Path, line: Line) -> list[int]:
    """Hold a clip's file against its line; give the times of its frames, 90 kHz."""
    data = (folder / line["file"]).read_bytes()
    assert (line["bytes"], line["type"]) == (len(data), "video/mp4")
    assert hashlib.sha256(data).hexdigest() == line["sha256"]
    with av.open(str(folder / line["file"])) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [
            round(frame.pts * stream.time_base * TICKS_PER_S)
            for frame in container.decode(stream)
            if frame.pts is not None
        ]


def test_alert_keeps_its_id_from_opening_to_closing() -> None:
    desk = Desk()
    for phase, t in (("open", 1.0), ("update", 2.0), ("close", 3.0)):
        desk.change(phase, t)
    assert desk.told() == [("open", "A1"), ("update", "A1"), ("close", "A1")]


def test_limited_belongs_to_no_alert_and_owes_nothing() -> None:
    desk = Desk()
    desk.change("limited", 1.0, ordinal=7)
    desk.alerts.settle(9.0)
    desk.alerts.finish(9.0)
    assert desk.told() == [("limited", None)]
    assert len(desk.lines) == 1


def test_without_a_folder_files_are_told_as_null_and_without_a_fault() -> None:
    desk = Desk()
    desk.play(10.0)
    desk.change("open", 10.0, seen=make_seen(10.0))
    desk.play(20.0)
    for role in ("clip", "snapshot"):
        (line,) = desk.media(role)
        assert (line["alert"], line["file"], line["sha256"], line["bytes"]) == ("A1", None, None, 0)
        assert "reason" not in line


def test_snapshot_comes_a_second_and_a_half_after_the_opening() -> None:
    desk = Desk()
    desk.change("open", 10.0, seen=make_seen(10.0))
    desk.alerts.settle(11.4)
    assert desk.media("snapshot") == []
    desk.alerts.settle(11.5)
    desk.alerts.settle(20.0)
    assert len(desk.media("snapshot")) == 1


def test_snapshot_of_an_alert_that_closes_sooner_comes_at_once() -> None:
    desk = Desk()
    desk.change("open", 10.0, seen=make_seen(10.0))
    desk.change("close", 10.5)
    desk.alerts.settle(10.5)
    assert len(desk.media("snapshot")) == 1


def test_snapshot_shows_the_best_moment_of_the_alert_s_own_tracks() -> None:
    desk = Desk()
    desk.change("open", 10.0, seen=make_seen(10.0, [make_scored(0.5)]))
    desk.alerts.look(make_seen(10.5, [make_scored(0.9)]))
    desk.alerts.look(make_seen(11.0, [make_scored(0.6), make_scored(0.99, track=2)]))
    desk.alerts.settle(11.5)
    desk.alerts.look(make_seen(11.6, [make_scored(1.0)]))
    assert [line["from_t"] for line in desk.media("snapshot")] == [10.5]


def test_guess_at_where_a_track_hides_is_no_moment_for_the_snapshot() -> None:
    desk = Desk()
    desk.play(10.0)
    desk.change("open", 10.0, seen=make_seen(10.0, [make_scored(0.4)]))
    desk.alerts.look(make_seen(10.5, [replace(make_scored(0.9), is_hidden=True)]))
    desk.play(12.0)
    (line,) = desk.media("snapshot")
    assert line["from_t"] == 10.0


def test_snapshot_is_the_frame_of_that_moment(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0, seen=make_seen(10.0, [make_scored(0.5)]))
    desk.alerts.look(make_seen(10.5, [make_scored(0.9)]))
    desk.play(11.5)
    (line,) = desk.media("snapshot")
    assert (line["file"], line["type"]) == ("A1-snapshot.jpg", "image/jpeg")
    assert (line["from_t"], line["to_t"], line["t"]) == (10.5, 10.5, 10.5)
    data = (tmp_path / "A1-snapshot.jpg").read_bytes()
    assert data[:2] == b"\xff\xd8"
    assert hashlib.sha256(data).hexdigest() == line["sha256"]


def test_snapshot_of_a_moment_that_left_the_ring_is_told_with_the_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.alerts.change([make_change("open", 1.0)], make_seen(1.0))
    desk.alerts.settle(9.0)
    (line,) = desk.media("snapshot")
    assert (line["file"], line["reason"]) == (None, "the moment is not in the ring")


def test_clip_runs_from_before_the_opening_to_after_the_close(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.5)
    desk.change("open", 10.5, seen=make_seen(10.5))
    desk.play(20.0)
    desk.change("close", 20.0)
    desk.play(23.0)
    assert desk.media("clip") == []
    desk.play(23.25)
    (line,) = desk.media("clip")
    assert (line["alert"], line["file"]) == ("A1", "A1-clip.mp4")
    # The keyframe at or before 10.5 - 5, and the last packet up to 20 + 3.
    assert (line["from_t"], line["to_t"]) == (5.0, 23.0)
    assert len(read_clip(tmp_path, line)) == 18 * 4 + 1


def test_clip_of_a_long_alert_ends_after_a_minute_and_one_more_shows_the_end(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0, seen=make_seen(10.0))
    desk.play(85.0)
    assert [(line["from_t"], line["to_t"]) for line in desk.media("clip")] == [(5.0, 70.0)]
    desk.change("close", 85.0)
    desk.play(99.0)
    second = desk.media("clip")[1]
    assert (second["file"], second["alert"]) == ("A1-clip-2.mp4", "A1")
    assert (second["from_t"], second["to_t"]) == (80.0, 88.0)
    assert len(desk.media("clip")) == 2
    assert len(read_clip(tmp_path, second)) == 8 * 4 + 1


def test_two_alerts_have_a_clip_each(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.play(12.0)
    desk.change("open", 12.0, ordinal=2)
    desk.change("close", 12.0)
    desk.play(15.25)
    assert [line["alert"] for line in desk.media("clip")] == ["A1"]
    desk.change("close", 15.25, ordinal=2)
    desk.play(19.0)
    assert [line["file"] for line in desk.media("clip")] == ["A1-clip.mp4", "A2-clip.mp4"]


def test_clip_without_a_keyframe_in_the_ring_begins_with_the_next(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.change("open", 0.0)
    desk.play(4.0)
    desk.change("close", 4.0)
    desk.play(8.0)
    (line,) = desk.media("clip")
    assert (line["from_t"], line["to_t"]) == (0.0, 7.0)


def test_clip_whose_stream_never_comes_is_given_up_with_the_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.change("open", 1.0)
    desk.change("close", 2.0)
    desk.alerts.settle(9.9)
    assert desk.media("clip") == []
    desk.alerts.settle(10.1)
    (line,) = desk.media("clip")
    assert (line["file"], line["reason"]) == (None, "the main stream brought no keyframe")
    desk.alerts.settle(30.0)
    assert len(desk.media("clip")) == 1


def test_clip_whose_stream_stays_away_is_ended_with_what_there_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.change("close", 11.0)
    desk.alerts.settle(18.9)
    assert desk.media("clip") == []
    desk.alerts.settle(19.1)
    assert [line["to_t"] for line in desk.media("clip")] == [10.0]


def test_clip_is_cut_where_the_stream_breaks_off(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.play(12.0)
    desk.alerts.break_clips()
    (line,) = desk.media("clip")
    assert line["to_t"] == 12.0
    assert len(read_clip(tmp_path, line)) == 7 * 4 + 1


def test_one_more_clip_shows_the_end_when_the_first_was_cut(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.alerts.break_clips()
    desk.lose(14.9)
    desk.play(22.0)
    desk.change("close", 22.0)
    desk.play(30.0)
    assert [(line["from_t"], line["to_t"]) for line in desk.media("clip")] == [
        (5.0, 10.0),
        (17.0, 25.0),
    ]


def test_nothing_is_shown_twice_when_the_camera_dies_in_a_clip(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.alerts.break_clips()
    desk.alerts.settle(14.0)
    desk.change("close", 14.0)
    desk.alerts.finish(14.0)
    assert [(line["from_t"], line["to_t"]) for line in desk.media("clip")] == [(5.0, 10.0)]


def test_one_more_clip_begins_after_what_the_first_has_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.alerts.break_clips()
    desk.play(13.0)
    desk.change("close", 13.0)
    desk.play(20.0)
    first, second = desk.media("clip")
    assert (first["from_t"], first["to_t"]) == (5.0, 10.0)
    assert second["from_t"] == 10.0, "the GOP in the middle of which the first one ended"
    assert second["to_t"] == 16.0


def test_what_no_file_could_keep_is_shown_by_the_next_clip(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    desk = Desk(folder)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.play(13.0)
    shutil.rmtree(folder)
    desk.alerts.break_clips()
    folder.mkdir()
    desk.play(14.0)
    desk.change("close", 14.0)
    desk.play(20.0)
    first, second = desk.media("clip")
    assert first["file"] is None
    assert (second["from_t"], second["to_t"]) == (9.0, 17.0)


def test_clip_goes_on_over_a_new_format_that_is_the_same_and_ends_at_another(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    stream_format, _ = make_stream()
    desk.alerts.break_clips(replace(stream_format, gop_s=2.0))
    assert desk.media("clip") == []
    desk.alerts.break_clips(replace(stream_format, header=b"another"))
    assert len(desk.media("clip")) == 1


def test_folder_that_cannot_be_written_is_told_with_the_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "gone")
    desk.play(10.0)
    desk.change("open", 10.0, seen=make_seen(10.0))
    desk.play(12.0)
    for role in ("clip", "snapshot"):
        (line,) = desk.media(role)
        assert (line["file"], line["sha256"]) == (None, None)
        assert "No such file" in line["reason"]


def test_everything_owed_is_made_when_the_eye_stops(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0, seen=make_seen(10.0))
    desk.play(10.5)
    desk.alerts.finish(10.5)
    assert [line["file"] for line in desk.lines if line["kind"] == "media"] == [
        "A1-snapshot.jpg",
        "A1-clip.mp4",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A1-clip.mp4", "A1-snapshot.jpg"]


def test_alert_with_all_its_files_is_forgotten() -> None:
    desk = Desk()
    desk.change("open", 10.0)
    desk.change("close", 11.0)
    desk.alerts.settle(12.0)
    desk.change("update", 13.0)
    assert desk.told()[-1] == ("update", None)


@pytest.mark.parametrize("late_s", [0.0, 2.0])
def test_packet_later_than_the_clip_s_end_is_not_in_it(tmp_path: Path, late_s: float) -> None:
    desk = Desk(tmp_path)
    desk.play(10.0)
    desk.change("open", 10.0)
    desk.change("close", 10.0)
    desk.play(13.0)
    _, packets = make_stream()
    desk.alerts.packet(delay(packets[53], late_s))
    (line,) = desk.media("clip")
    assert line["to_t"] == 13.0
