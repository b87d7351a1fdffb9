"""Each line exactly as it stands on the wire, and what is made of the lines that come in."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.errors import ValidationError
from edge.model import (
    AlertChange,
    Command,
    Detection,
    MediaFile,
    SightReport,
    Stamp,
    StreamFormat,
    Track,
)

STAMP = Stamp("yard", 12.3456, 1_700_000_000_123)
HEAD = {"camera": "yard", "t": 12.346, "at": "2023-11-14T22:13:20.123Z"}
BOX = (0.1, 0.2, 1 / 3, 0.40004)
ON_WIRE = [0.1, 0.2, 0.3333, 0.4]


def read(line: bytes) -> dict[str, Any]:
    """One whole line of JSON."""
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_source_line() -> None:
    stream_format = StreamFormat("hevc", 1920, 1080, 15.0, 4.8, b"header")
    assert read(wire.encode_source(STAMP, stream_format, thermal=False)) == {
        "kind": "source", **HEAD, "width": 1920, "height": 1080, "fps": 15.0, "codec": "hevc",
        "gop_s": 4.8, "thermal": False,
    }  # fmt: skip


def test_motion_line() -> None:
    assert read(wire.encode_motion(STAMP, [BOX])) == {"kind": "motion", **HEAD, "boxes": [ON_WIRE]}


def test_detection_line() -> None:
    assert read(wire.encode_detection(STAMP, Detection("car", 0.87654, BOX))) == {
        "kind": "detection", **HEAD, "label": "car", "score": 0.877, "box": ON_WIRE,
    }  # fmt: skip


def test_track_line() -> None:
    track = Track(7, "person", 0.9, BOX, is_stationary=True, first_t=1.0, seen_t=2.0)
    assert read(wire.encode_track(STAMP, "open", track)) == {
        "kind": "track", **HEAD, "phase": "open", "track": 7, "label": "person", "box": ON_WIRE,
        "stationary": True,
    }  # fmt: skip


def make_change(**changed: Any) -> AlertChange:
    fields: dict[str, Any] = {
        "phase": "open", "ordinal": 1, "rule_type": "line", "rule_name": "gate",
        "severity": "major", "t": 12.0, "tracks": (7, 8), "box": BOX, "data": {"direction": "in"},
    }  # fmt: skip
    return AlertChange(**(fields | changed))


def test_alert_line() -> None:
    assert read(wire.encode_alert(STAMP, make_change(), "01ARYZ6S410000000000000000")) == {
        "kind": "alert", **HEAD, "phase": "open", "alert": "01ARYZ6S410000000000000000",
        "rule": {"type": "line", "name": "gate"}, "severity": "major", "tracks": [7, 8],
        "data": {"direction": "in"}, "where": {"box": ON_WIRE},
    }  # fmt: skip


def test_alert_line_without_id_and_place() -> None:
    change = make_change(phase="limited", box=None, tracks=(), data={"count": 3})
    line = read(wire.encode_alert(STAMP, change, None))
    assert (line["phase"], line["alert"], line["tracks"]) == ("limited", None, [])
    assert (line["data"], line["where"]) == ({"count": 3}, {})


def test_media_line_with_a_file_and_without() -> None:
    clip = MediaFile("A", "clip", "A-clip.mp4", "video/mp4", 1.0, 2.00049, 99, "ab12")
    assert read(wire.encode_media(STAMP, clip)) == {
        "kind": "media", **HEAD, "alert": "A", "role": "clip", "file": "A-clip.mp4",
        "type": "video/mp4", "from_t": 1.0, "to_t": 2.0, "bytes": 99, "sha256": "ab12",
    }  # fmt: skip
    none = MediaFile("A", "snapshot", None, "image/jpeg", 1.0, 1.0, 0, None, "disk full")
    line = read(wire.encode_media(STAMP, none))
    assert (line["file"], line["sha256"], line["reason"]) == (None, None, "disk full")


def test_sight_line() -> None:
    sight = SightReport(
        frames=300, distinct=20, decoded=30, inferences=2, is_awake=True, state="frozen",
        cpu_s=1.256, rss_mb=120.56,
    )  # fmt: skip
    assert read(wire.encode_sight(STAMP, sight)) == {
        "kind": "sight", **HEAD, "frames": 300, "distinct": 20, "decoded": 30, "inferences": 2,
        "awake": True, "state": "frozen", "cpu_s": 1.26, "rss_mb": 120.6,
    }  # fmt: skip


def test_reply_and_end_lines() -> None:
    assert read(wire.encode_reply(STAMP, 4, {"ok": True, "file": "x.mp4"})) == {
        "kind": "reply", **HEAD, "id": 4, "ok": True, "file": "x.mp4",
    }  # fmt: skip
    assert read(wire.encode_reply(STAMP, None, {"ok": False}))["id"] is None
    assert read(wire.encode_end(STAMP, "stopped")) == {"kind": "end", **HEAD, "reason": "stopped"}


def test_still_line() -> None:
    assert read(wire.encode_still("a.jpg", [Detection("dog", 0.5, BOX)])) == {
        "kind": "still", "file": "a.jpg", "faces": None, "plates": None,
        "objects": [{"label": "dog", "score": 0.5, "box": ON_WIRE}],
    }  # fmt: skip


def test_name_that_breaks_lines_does_not_break_the_line() -> None:
    stamp = Stamp('ya"rd\n\u2028ü', 0.0, 0)
    assert read(wire.encode_end(stamp, "a\nb"))["camera"] == 'ya"rd\n\u2028ü'


@pytest.mark.parametrize("key", ["kind", "command", "cmd"])
def test_command_is_understood(key: str) -> None:
    line = json.dumps({key: "clip", "id": 7, "from": 1, "to": 2}).encode()
    assert wire.parse_command(line) == Command(7, "clip", {"from": 1, "to": 2})


@pytest.mark.parametrize("number", [0, 2**53 - 1])
def test_command_s_id_has_room(number: int) -> None:
    assert wire.parse_command(b'{"kind":"stop","id":%d}' % number).id == number


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"", "command"),
        (b"stop", "command"),
        (b"\xff\xfe", "command"),
        (b"[1]", "command"),
        (b'"stop"', "command"),
        (b"[" * 50_000, "command"),
        (b" " * (64 * 1024 + 1), "command"),
        (b'{"kind":"stop"}', "id"),
        (b'{"kind":"stop","id":null}', "id"),
        (b'{"kind":"stop","id":true}', "id"),
        (b'{"kind":"stop","id":1.5}', "id"),
        (b'{"kind":"stop","id":"1"}', "id"),
        (b'{"kind":"stop","id":-1}', "id"),
        (b'{"kind":"stop","id":9007199254740992}', "id"),
    ],
)
def test_what_is_no_command_is_refused_with_the_place(line: bytes, path: str) -> None:
    with pytest.raises(ValidationError) as refused:
        wire.parse_command(line)
    assert [fault.path for fault in refused.value.faults] == [path]


@pytest.mark.parametrize(
    "line", [b'{"id":1}', b'{"kind":5,"id":1}', b'{"kind":"stop","cmd":"stop","id":1}']
)
def test_command_without_a_name_keeps_its_id_for_the_reply(line: bytes) -> None:
    assert wire.parse_command(line) == Command(1, "", {})


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_refused(line: bytes) -> None:
    # Any other error would end the eye.
    with contextlib.suppress(ValidationError):
        assert wire.parse_command(line).id >= 0


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), names)
keys = names.filter(lambda key: key not in {"kind", "command", "cmd", "id"})


@given(names, st.integers(0, 2**53 - 1), st.dictionaries(keys, values, max_size=4))
def test_command_s_arguments_come_through_whole(
    name: str, number: int, arguments: dict[str, Any]
) -> None:
    line = json.dumps({"kind": name, "id": number, **arguments}).encode()
    assert wire.parse_command(line) == Command(number, name, arguments)


@given(st.integers(0, 4_102_444_800_000))
def test_wall_time_comes_back(utc_ms: int) -> None:
    assert wire.parse_utc(wire.format_utc(utc_ms)) == utc_ms


@pytest.mark.parametrize(
    ("text", "utc_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
        ("2023-11-15T06:13:20.123+08:00", 1_700_000_000_123),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_time_is_read_with_its_offset(text: str, utc_ms: int) -> None:
    assert wire.parse_utc(text) == utc_ms


@pytest.mark.parametrize("text", ["", "yesterday", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        wire.parse_utc(text)


@given(st.floats(0, 1e7), st.tuples(*[st.floats(0, 1)] * 4))
def test_lines_are_exact_to_a_millisecond_and_half_a_pixel(
    t: float, box: tuple[float, float, float, float]
) -> None:
    line = read(wire.encode_motion(Stamp("yard", t, 0), [box]))
    assert line["t"] == pytest.approx(t, abs=0.000501)
    assert line["boxes"][0] == pytest.approx(list(box), abs=0.0000501)
