"""What becomes a record: every step of an alert; sight when it changes or from time to time."""

from __future__ import annotations

import itertools
from dataclasses import replace

from edge import wire
from edge.agent.eyes.chronicle import (
    SIGHT_EVERY_MS,
    AlertFile,
    Chronicle,
    Pen,
    close_cut_off,
    doubt,
    interrupt,
    recall,
    step,
    write_file,
)
from edge.agent.eyes.eye_lines import EyeLine, parse_eye_line
from edge.agent.ports import UnclosedAlert
from edge.feeds import ClockReading, Draft
from edge.model import AlertChange, MediaFile, Phase, SightReport, Stamp, StreamFormat

ALERT = "01J9Z0000000000000000000AB"
OTHER = "01J9Z0000000000000000000AC"
THIRD = "01J9Z0000000000000000000AD"
START_MS = 1_700_000_000_000
CLOCK = ClockReading("synced", "b00t", 5)


def parse(line: bytes) -> EyeLine:
    found = parse_eye_line(line)
    assert found is not None
    return found


def alert(phase: Phase, *, name: str = ALERT, t: float = 1.0) -> EyeLine:
    change = AlertChange(phase, 1, "intrusion", "gate", "major", t, (7,), (0, 0, 1, 1), {"a": 1})
    return parse(wire.encode_alert(Stamp("yard", t, START_MS + round(t * 1000)), change, name))


def sight(state: str, at_ms: int) -> EyeLine:
    report = SightReport(9, 8, 7, 6, True, state, 0.5, 120.0)  # type: ignore[arg-type]
    return parse(wire.encode_sight(Stamp("yard", 1.0, START_MS + at_ms), report))


class Book:
    """A chronicle and all that was written."""

    def __init__(self) -> None:
        ids = itertools.count(1)
        self.pen = Pen(CLOCK, lambda: f"R{next(ids)}")
        self.state = Chronicle("yard")
        self.drafts: list[Draft] = []

    def pass_time(self, ms: int) -> None:
        clock = replace(self.pen.clock, mono_ms=self.pen.clock.mono_ms + ms)
        self.pen = replace(self.pen, clock=clock)

    def take(self, *lines: EyeLine) -> list[str]:
        before = len(self.drafts)
        for line in lines:
            self.state, drafts = step(self.state, line, self.pen)
            self.drafts += drafts
        return [draft.kind for draft in self.drafts[before:]]

    def interrupt(self, at_ms: int) -> list[Draft]:
        self.state, drafts = interrupt(self.state, at_ms, self.pen)
        return drafts


def test_alert_is_recorded_from_opening_to_close() -> None:
    book = Book()
    assert book.take(alert("open"), alert("update"), alert("close")) == [
        "alert.open", "alert.update", "alert.close",
    ]  # fmt: skip
    opened = book.drafts[0]
    assert (opened.feed, opened.id, opened.alert, opened.severity) == (
        "alerts", "R1", ALERT, "major",
    )  # fmt: skip
    assert opened.at_ms == START_MS + 1000
    assert opened.rule == {"type": "intrusion", "name": "gate"}
    assert opened.data == {"a": 1, "tracks": [7]}
    assert opened.where == {"box": [0.0, 0.0, 1.0, 1.0]}
    assert opened.clock == CLOCK
    assert book.state.open == {}


def test_alert_whose_eye_dies_closes_as_interrupted_once() -> None:
    book = Book()
    book.take(alert("open"), alert("open", name=OTHER), alert("close", name=OTHER))
    (closed,) = book.interrupt(START_MS + 9000)
    assert (closed.kind, closed.alert, closed.data) == (
        "alert.close", ALERT, {"reason": "interrupted"},
    )  # fmt: skip
    assert (closed.severity, closed.at_ms) == ("major", START_MS + 9000)
    assert book.interrupt(START_MS + 9001) == []
    assert book.take(alert("close")) == [], "what it still says of it comes too late"


def test_alert_soon_after_one_that_was_cut_off_names_it() -> None:
    book = Book()
    book.take(alert("open"))
    book.interrupt(START_MS)
    book.pass_time(60_000)
    book.take(alert("open", name=OTHER))
    assert book.drafts[-1].data == {"a": 1, "tracks": [7], "continues": ALERT}
    book.take(alert("close", name=OTHER), alert("open", name=THIRD))
    assert "continues" not in book.drafts[-1].data, "one goes on with it, not two"


def test_alert_over_a_minute_after_one_that_was_cut_off_stands_alone() -> None:
    book = Book()
    book.take(alert("open"))
    book.interrupt(START_MS)
    book.pass_time(60_001)
    book.take(alert("open", name=OTHER))
    assert "continues" not in book.drafts[-1].data


def test_alert_that_closed_by_itself_is_not_continued() -> None:
    book = Book()
    book.take(alert("open"), alert("close"))
    book.interrupt(START_MS)
    book.take(alert("open", name=OTHER))
    assert "continues" not in book.drafts[-1].data


def test_eye_that_dies_twice_within_a_minute_goes_on_with_the_first_alert() -> None:
    book = Book()
    book.take(alert("open"))
    book.interrupt(START_MS)
    book.interrupt(START_MS)
    book.take(alert("open", name=OTHER))
    assert book.drafts[-1].data["continues"] == ALERT


def test_next_agent_closes_what_is_open_and_goes_on_with_it() -> None:
    rule = {"type": "intrusion", "name": "gate"}
    unclosed = [
        UnclosedAlert(ALERT, "yard", "major", rule), UnclosedAlert(OTHER, "road", "minor", rule),
    ]  # fmt: skip
    book = Book()
    closed = close_cut_off(unclosed, START_MS, book.pen)
    assert [(each.kind, each.camera, each.alert, each.severity) for each in closed] == [
        ("alert.close", "yard", ALERT, "major"), ("alert.close", "road", OTHER, "minor"),
    ]  # fmt: skip
    book.state = recall("yard", unclosed, book.pen.clock.mono_ms)
    book.take(alert("open", name=THIRD))
    assert book.drafts[-1].data["continues"] == ALERT


def test_alert_that_opens_again_is_doubted() -> None:
    book = Book()
    assert doubt(book.state, alert("open")) is None
    book.take(alert("open"), alert("close"))
    assert doubt(book.state, alert("open")) == "it opens an alert again"
    assert doubt(book.state, alert("open", name=OTHER)) is None


def test_file_of_an_alert_that_was_never_opened_is_doubted() -> None:
    media = MediaFile(ALERT, "clip", "a.mp4", "video/mp4", 2.0, 22.0, 5, "ab" * 32)
    line = parse(wire.encode_media(Stamp("yard", 22.0, START_MS), media))
    book = Book()
    assert doubt(book.state, line) == "a file of an alert that it never opened"
    book.take(alert("open"), alert("close"))
    assert doubt(book.state, line) is None, "its files come after its close"


def test_file_found_after_its_eye_has_ended_is_recorded_as_such() -> None:
    file = AlertFile(ALERT, "clip", "video/mp4", START_MS, 5, "ab" * 32, is_recovered=True)
    draft = write_file("yard", file, Book().pen)
    assert (draft.kind, draft.data) == ("media.ready", {"role": "clip", "recovered": True})


def test_update_or_close_of_what_never_opened_is_nothing() -> None:
    assert Book().take(alert("update"), alert("close")) == []


def test_held_back_alerts_are_recorded() -> None:
    change = AlertChange("limited", 0, "intrusion", "gate", "major", 1.0, data={"count": 9})
    line = parse(wire.encode_alert(Stamp("yard", 1.0, START_MS), change, None))
    book = Book()
    assert book.take(line) == ["alert.limited"]
    assert (book.drafts[0].alert, book.drafts[0].data) == (None, {"count": 9, "tracks": []})


def test_media_is_recorded_with_its_address_or_with_the_reason_there_is_none() -> None:
    book = Book()
    media = MediaFile(ALERT, "clip", "a.mp4", "video/mp4", 2.0, 22.0, 5, "ab" * 32)
    stamp = Stamp("yard", 22.0, START_MS)
    book.take(parse(wire.encode_media(stamp, media)))
    gone = replace(media, file=None, sha256=None, size_bytes=0, reason="disk full")
    book.take(parse(wire.encode_media(stamp, gone)))
    first, second = book.drafts
    assert (first.feed, first.kind, first.alert) == ("media", "media.ready", ALERT)
    assert first.media == [
        {"role": "clip", "type": "video/mp4", "bytes": 5, "sha256": "ab" * 32,
         "href": "/v1/media/" + "ab" * 32},
    ]  # fmt: skip
    assert (second.kind, second.media) == ("media.gone", [])
    assert second.data["reason"] == "disk full"


def test_sight_is_recorded_when_it_changes_and_every_five_minutes() -> None:
    book = Book()
    kinds = [
        len(book.take(sight(state, at_ms)))
        for state, at_ms in [
            ("seeing", 0), ("seeing", 10_000), ("dark", 20_000), ("dark", 30_000),
            ("dark", 20_000 + SIGHT_EVERY_MS), ("dark", 30_000 + SIGHT_EVERY_MS),
        ]
    ]  # fmt: skip
    assert kinds == [1, 0, 1, 0, 1, 0]


def test_clock_that_jumps_back_does_not_silence_sight() -> None:
    book = Book()
    book.take(sight("seeing", 0))
    assert book.take(sight("seeing", -10 * SIGHT_EVERY_MS)) == ["sight"]


def test_source_is_recorded_when_it_changes() -> None:
    stream_format = StreamFormat("h264", 640, 480, 10.0, 1.0, b"")
    stamp = Stamp("yard", 0.0, START_MS)
    same = parse(wire.encode_source(stamp, stream_format, thermal=False))
    other = parse(wire.encode_source(stamp, replace(stream_format, width=1280), thermal=False))
    assert Book().take(same, same, other) == ["camera", "camera"]
