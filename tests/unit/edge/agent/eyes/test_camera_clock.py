"""When a camera's clock is told to be off, and what its answers may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.eyes.camera_clock import CameraClock
from edge.agent.eyes.camera_time import CameraOffset, read_date, read_onvif
from edge.agent.eyes.chronicle import Pen
from edge.feeds import Draft
from edge.supervise import Passing
from tests.support.clocks import ManualClock
from tests.support.drafts import CLOCK

NOON_S = 1_790_000_000
ONVIF = (
    b"<s:Envelope><s:Body><tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
    b"<tt:UTCDateTime><tt:Time><tt:Hour>14</tt:Hour><tt:Minute>13</tt:Minute><tt:Second>20"
    b"</tt:Second></tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>9</tt:Month><tt:Day>21"
    b"</tt:Day></tt:Date></tt:UTCDateTime><tt:LocalDateTime/></tds:SystemDateAndTime>"
)


def watch(*offsets: tuple[float, float]) -> list[dict[str, object]]:
    put: list[Draft] = []
    passing = Passing(ManualClock())
    clock = CameraClock("yard", "rtsp://x/", passing, lambda: Pen(CLOCK, lambda: "1"), put.extend)
    for off_s, within_s in offsets:
        clock.take(CameraOffset(off_s, within_s, "rtsp"))
    assert {draft.kind for draft in put} <= {"camera_clock"}
    return [dict(draft.data) for draft in put]


def test_clock_that_is_off_is_told_when_it_begins_changes_and_ends() -> None:
    told = watch((0.3, 0.1), (1.4, 0.1), (1.9, 0.1), (2.6, 0.1), (-0.4, 0.1), (0.2, 0.1))
    assert [(each["off_s"], each["ok"]) for each in told] == [
        (1.4, False), (2.6, False), (-0.4, True),
    ]  # fmt: skip


def test_what_cannot_be_told_for_sure_is_not_told() -> None:
    assert watch((1.4, 0.5), (-1.4, 0.5)) == []
    assert len(watch((-1.6, 0.5))) == 1


@pytest.mark.parametrize(
    ("head", "told_s"),
    [
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\n\r\n", NOON_S),
        (b"RTSP/1.0 200 OK\r\ndate:Mon, Sep 21 2026 14:13:20 GMT\r\n\r\n", NOON_S),
        (b"HTTP/1.1 401 No\r\nDATE: Mon, 21 Sep 2026 16:13:20 +0200\r\n\r\n", NOON_S),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", None),
        (b"RTSP/1.0 200 OK\r\nDate: tomorrow\r\n\r\n", None),
        (b"RTSP/1.0 200 OK\r\nDate: Mon, 99 Sep 99999 14:13:20 GMT\r\n\r\n", None),
        (b"RTSP/1.0 200 OK\r\nDate: \xff\xfe\r\n\r\n", None),
        (b"X-Date: Mon, 21 Sep 2026 14:13:20 GMT\r\n\r\n", None),
    ],
)
def test_date_of_an_answer(head: bytes, told_s: int | None) -> None:
    assert read_date(head) == told_s


def test_time_of_onvif() -> None:
    assert read_onvif(ONVIF) == NOON_S
    assert read_onvif(ONVIF.replace(b"tt:", b"")) == NOON_S
    for spoilt in (ONVIF.replace(b">9<", b">13<"), ONVIF.replace(b"Year", b"Jahr"), b"", b"<x>"):
        assert read_onvif(spoilt) is None


@given(st.binary(max_size=200))
def test_no_answer_is_an_error(garbage: bytes) -> None:
    head = b"Date: " + garbage + b"\r\n\r\n"
    assert read_date(head) is None or isinstance(read_date(head), int)
    body = b"<tt:UTCDateTime>" + garbage + b"</tt:UTCDateTime>"
    assert read_onvif(body) is None
