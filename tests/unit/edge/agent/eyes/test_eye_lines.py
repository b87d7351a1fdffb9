"""Lines as an eye writes them are understood; whatever else comes is refused, not believed."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.agent.eyes.eye_lines import DATA_BYTES_MAX, Alert, End, Media, SightProof, parse_eye_line
from edge.errors import ValidationError
from edge.model import AlertChange, Detection, MediaFile, SightReport, Stamp, StreamFormat, Track

STAMP = Stamp("yard", 12.345, 1_700_000_000_123)
ALERT = "01J9Z0000000000000000000AB"
CHANGE = AlertChange(
    "open", 1, "intrusion", "gate", "major", 12.3, (7,), (0.1, 0.2, 0.3, 0.4), {"label": "person"}
)
FILE = MediaFile(ALERT, "clip", f"{ALERT}-clip.mp4", "video/mp4", 2.3, 22.0, 48_211, "ab" * 32)


def test_lines_of_an_eye_are_understood() -> None:
    alert = parse_eye_line(wire.encode_alert(STAMP, CHANGE, ALERT))
    assert isinstance(alert, Alert)
    assert (alert.alert, alert.phase, alert.rule.type, alert.tracks) == (
        ALERT, "open", "intrusion", (7,),
    )  # fmt: skip
    assert (alert.t, alert.at_ms, alert.where.box) == (12.345, 1_700_000_000_123, CHANGE.box)
    media = parse_eye_line(wire.encode_media(STAMP, FILE))
    assert isinstance(media, Media)
    assert (media.file, media.bytes, media.sha256) == (FILE.file, 48_211, "ab" * 32)
    sight = parse_eye_line(
        wire.encode_sight(STAMP, SightReport(9, 8, 7, 6, True, "seeing", 0.5, 120.0))
    )
    assert isinstance(sight, SightProof)
    assert (sight.frames, sight.state) == (9, "seeing")
    stream_format = StreamFormat("hevc", 1920, 1080, 15.0, 4.8, b"")
    track = Track(7, "person", 0.9, (0, 0, 1, 1), is_stationary=True, first_t=0, seen_t=0)
    for line in (
        wire.encode_source(STAMP, stream_format, thermal=False),
        wire.encode_track(STAMP, "open", track),
        wire.encode_reply(STAMP, 3, {"ok": True, "until_t": 4.0}),
        wire.encode_end(STAMP, "stopped"),
    ):
        assert parse_eye_line(line) is not None


def test_lines_that_the_agent_has_no_use_for_are_passed_over() -> None:
    assert parse_eye_line(wire.encode_motion(STAMP, [(0, 0, 1, 1)])) is None
    assert parse_eye_line(wire.encode_detection(STAMP, Detection("car", 0.5, (0, 0, 1, 1)))) is None


def changed(line: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(line), **fields}).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"file": "../../etc/passwd"}, {"file": "a/b.mp4"}, {"file": ".hidden.mp4"}, {"file": ""},
        {"file": "a\u0000b"}, {"file": "x" * 129}, {"file": 7}, {"file": None},
        {"sha256": "AB" * 32}, {"sha256": "ab"}, {"sha256": None}, {"bytes": -1}, {"bytes": 1.5},
        {"alert": "A1"}, {"alert": None}, {"role": "poster"}, {"type": "text/html; x"},
        {"camera": ""}, {"camera": "x" * 129}, {"t": "1"}, {"t": 1e300}, {"at": "yesterday"},
        {"at": "2026-11-22T17:33:05"}, {"kind": "clip"}, {"kind": None}, {"reason": "x" * 2001},
    ],
    ids=str,
)  # fmt: skip
def test_media_line_that_is_not_right_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parse_eye_line(changed(wire.encode_media(STAMP, FILE), **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"phase": "limited"}, {"alert": None}, {"phase": "reopen"}, {"severity": "high"},
        {"tracks": [1] * 257}, {"tracks": [-1]}, {"data": []}, {"where": {"box": [0, 0, 1]}},
        {"where": {"box": [0, 0, 1, 9]}}, {"rule": {"type": "x y", "name": "a"}},
        {"data": {"list": ["x" * 100] * (DATA_BYTES_MAX // 100)}},
        {"data": {"list": ["x" * 100] * 13}}, {"tracks": [10**6] * 200},
        {"data": {"count": 2**53 + 1}}, {"data": {"count": 10**30}},
        {"at": "1969-12-31T23:59:59.999Z"}, {"at": "2100-01-01T00:00:00.001Z"},
        {"at": "0001-01-01T00:00:00+14:00"},
    ],
    ids=lambda fields: str(fields)[:40],
)  # fmt: skip
def test_alert_line_that_is_not_right_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parse_eye_line(changed(wire.encode_alert(STAMP, CHANGE, ALERT), **fields))


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"garbage", b"{", b"[]", b"null", b"{}", b'{"kind":"alert"}', b"\xff\xfe",
     b"[" * 60_000, b" " * 65_537, b'{"kind":"end","camera":"c","t":NaN,"at":"x","reason":""}'],
    ids=lambda line: repr(line[:20]),
)  # fmt: skip
def test_garbage_is_refused(line: bytes) -> None:
    with pytest.raises(ValidationError):
        parse_eye_line(line)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_line_or_refused(line: bytes) -> None:
    with contextlib.suppress(ValidationError):
        parse_eye_line(line)


names = st.sampled_from(["kind", "camera", "t", "at", "alert", "data", "where", "tracks", "rule"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(names, values, max_size=4))
def test_alert_with_anything_in_it_is_a_line_or_refused(fields: dict[str, Any]) -> None:
    with contextlib.suppress(ValidationError):
        parse_eye_line(changed(wire.encode_alert(STAMP, CHANGE, ALERT), **fields))


def test_end_carries_its_reason() -> None:
    line = parse_eye_line(wire.encode_end(STAMP, "end of file"))
    assert isinstance(line, End)
    assert line.reason == "end of file"
