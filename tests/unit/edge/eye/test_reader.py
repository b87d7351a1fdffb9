"""A reader opens its source again and again, keeps media time going and never dies unheard."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from edge.errors import SourceRefused, SourceStalled, SourceUnusable
from edge.eye.intake import Intake, Item, SourceEnded, SourceLost
from edge.eye.logins import Logins
from edge.eye.reader import MediaClock, OpenSource, Pace, Reader
from edge.model import TICKS_PER_S, Packet, StreamFormat
from tests.support.clocks import ManualClock
from tests.support.packets import ScriptedCamera, ScriptedSource, make_format, make_packets

SCRIPT: list[StreamFormat | Packet] = [make_format(), *make_packets(5)]
WAIT_S = 5.0


def make_reader(
    open_source: OpenSource, intake: Intake, *, clock: ManualClock, pace: Pace | None = None
) -> Reader:
    return Reader("main", open_source, intake, pace=pace or Pace(), clock=clock)


def live(clock: ManualClock) -> Pace:
    """As a camera is read; rests take no time but on the clock."""

    def rest(stopping: threading.Event, duration_s: float) -> None:
        if not stopping.is_set():
            clock.move(duration_s)

    return Pace(media_clock=MediaClock(clock), logins=Logins(clock), rest=rest)


def take(intake: Intake, count: int) -> list[Item]:
    out: list[Item] = []
    while len(out) < count:
        taken = intake.take(WAIT_S)
        assert taken is not None, f"nothing after {out}"
        out.append(taken[1])
    return out


def test_file_is_read_once_and_ends() -> None:
    intake = Intake(("main",), is_lossless=True)
    make_reader(lambda _: ScriptedSource(SCRIPT), intake, clock=ManualClock()).run()
    assert take(intake, 7) == [*SCRIPT, SourceEnded(None)]


def test_file_that_fails_ends_with_its_error_after_what_was_whole() -> None:
    intake = Intake(("main",), is_lossless=True)
    error = SourceUnusable("x.mp4: cut off")
    make_reader(lambda _: ScriptedSource(SCRIPT, error=error), intake, clock=ManualClock()).run()
    assert take(intake, 7) == [*SCRIPT, SourceEnded(error)]


def test_broken_reader_is_heard_of_instead_of_silence() -> None:
    """A programmer error on a thread ends that thread alone; the eye would wait for ever."""
    intake = Intake(("main",), is_lossless=True)
    source = ScriptedSource(SCRIPT, error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        make_reader(lambda _: source, intake, clock=ManualClock()).run()
    last = take(intake, 7)[-1]
    assert isinstance(last, SourceEnded)
    assert "reader broke" in str(last.error)


def test_camera_is_opened_again_and_media_time_goes_on_by_what_passed() -> None:
    clock = ManualClock()
    intake = Intake(("main",), is_lossless=False)
    camera = ScriptedCamera(SCRIPT, SourceStalled("yard: silent"), SCRIPT)
    reader = make_reader(camera.open, intake, clock=clock, pace=live(clock))
    reader.start()
    items = take(intake, 14)
    reader.stop()
    assert reader.join(WAIT_S)
    lost = [item for item in items if isinstance(item, SourceLost)]
    assert [str(each.error) for each in lost] == [
        "main: the camera ended the stream",
        "yard: silent",
    ]
    assert [each.retry_s for each in lost] == [1.0, 2.0]
    assert camera.starts_90k == [0, 3 * TICKS_PER_S]
    again = [item for item in items[8:] if isinstance(item, Packet)]
    assert again[0].dts_90k == 3 * TICKS_PER_S


def test_time_never_steps_back_when_a_camera_ran_ahead_of_the_clock() -> None:
    clock = ManualClock()
    intake = Intake(("main",), is_lossless=False)
    camera = ScriptedCamera(SCRIPT, SCRIPT)
    reader = make_reader(camera.open, intake, clock=clock, pace=live(clock))
    reader.start()
    items = take(intake, 13)
    reader.stop()
    assert reader.join(WAIT_S)
    times = [item.dts_90k for item in items if isinstance(item, Packet)]
    assert times == sorted(set(times))


def test_streams_of_one_camera_share_the_beginning_of_media_time() -> None:
    clock = ManualClock()
    media_clock = MediaClock(clock)
    clock.move(3)
    assert media_clock.now_90k() == 0
    clock.move(1.5)
    assert media_clock.now_90k() == 135_000


def test_refused_login_is_tried_twice_then_rests_31_minutes() -> None:
    clock = ManualClock()
    intake = Intake(("main",), is_lossless=False)
    logins_s: list[float] = []

    def open_source(_start: Callable[[], int]) -> ScriptedSource:
        logins_s.append(clock.monotonic_ns() / 1e9)
        is_over = len(logins_s) > 4
        error = SourceRefused("yard: no", is_login=True)
        return ScriptedSource((), is_hanging=is_over, error=None if is_over else error)

    reader = make_reader(open_source, intake, clock=clock, pace=live(clock))
    reader.start()
    take(intake, 4)
    while len(logins_s) < 5:
        threading.Event().wait(0.001)
    reader.stop()
    assert reader.join(WAIT_S)
    assert logins_s == [0, 1, 1861, 1863, 3723]


def test_rest_of_refused_logins_is_told_when_it_begins_and_in_the_same_words_after_it() -> None:
    clock = ManualClock()
    intake = Intake(("main",), is_lossless=False)
    source = ScriptedSource((), error=SourceRefused("yard: no; correct it", is_login=True))
    reader = make_reader(lambda _: source, intake, clock=clock, pace=live(clock))
    reader.start()
    said = [str(item.error) for item in take(intake, 4) if isinstance(item, SourceLost)]
    reader.stop()
    assert reader.join(WAIT_S)
    assert said[0] == "yard: no; correct it"
    assert said[1].startswith("yard: no; correct it; after 2 refusals no further try for 31 min: ")
    assert said[1:] == [said[1]] * 3


def test_streams_of_one_camera_count_refused_logins_together() -> None:
    clock = ManualClock()
    pace = live(clock)
    assert pace.logins is not None
    pace.logins.refuse()
    intake = Intake(("main",), is_lossless=False)
    source = ScriptedSource((), error=SourceRefused("yard: no", is_login=True))
    reader = make_reader(lambda _: source, intake, clock=clock, pace=pace)
    reader.start()
    (lost,) = take(intake, 1)
    reader.stop()
    assert reader.join(WAIT_S)
    assert isinstance(lost, SourceLost)
    assert lost.retry_s == 1860.0


def test_camera_that_says_no_is_asked_less_and_less_often() -> None:
    clock = ManualClock()
    intake = Intake(("main",), is_lossless=False)
    source = ScriptedSource((), error=SourceRefused("yard: too many sessions"))
    reader = make_reader(lambda _: source, intake, clock=clock, pace=live(clock))
    reader.start()
    items = take(intake, 5)
    reader.stop()
    assert reader.join(WAIT_S)
    lost = [item.retry_s for item in items if isinstance(item, SourceLost)]
    assert lost == [1.0, 2.0, 4.0, 8.0, 8.0]


class SlowSource(ScriptedSource):
    """Six seconds pass before each packet."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(SCRIPT)
        self._clock = clock

    def packets(self) -> Iterator[StreamFormat | Packet]:
        """See `PacketSource.packets`."""
        for item in super().packets():
            self._clock.move(6)
            yield item


def test_failures_are_forgotten_after_ten_healthy_seconds() -> None:
    clock = ManualClock()
    intake = Intake(("main",), is_lossless=False)
    silent = SourceStalled("yard: silent")
    sources = [ScriptedSource((), error=silent), ScriptedSource((), error=silent)]
    sources += [SlowSource(clock), ScriptedSource((), is_hanging=True)]
    reader = make_reader(lambda _: sources.pop(0), intake, clock=clock, pace=live(clock))
    reader.start()
    lost = [item for item in take(intake, 9) if isinstance(item, SourceLost)]
    reader.stop()
    assert reader.join(WAIT_S)
    assert [each.retry_s for each in lost] == [1.0, 2.0, 1.0]


def test_stopping_ends_a_reader_whose_source_hangs() -> None:
    intake = Intake(("main",), is_lossless=False)
    clock = ManualClock()
    source = ScriptedSource(SCRIPT, is_hanging=True)
    reader = make_reader(lambda _: source, intake, clock=clock, pace=live(clock))
    reader.start()
    take(intake, 6)
    reader.stop()
    assert reader.join(WAIT_S)


def test_closed_intake_ends_a_reader() -> None:
    intake = Intake(("main",), is_lossless=True)
    intake.close()
    clock = ManualClock()
    camera = ScriptedCamera(*[SCRIPT] * 3)
    reader = make_reader(camera.open, intake, clock=clock, pace=live(clock))
    reader.start()
    reader.stop()
    assert reader.join(WAIT_S)
