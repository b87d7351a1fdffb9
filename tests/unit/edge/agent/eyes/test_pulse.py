"""What is known of an eye follows from what it said and how long ago."""

from __future__ import annotations

from edge import wire
from edge.agent.eyes.eye_lines import EyeLine, parse_eye_line
from edge.agent.eyes.pulse import Pulse
from edge.model import Sight, SightReport, Stamp
from tests.support.clocks import ManualClock


def sight(
    state: Sight = "seeing", *, frames: int = 10, distinct: int = 9, inferences: int = 1
) -> EyeLine:
    report = SightReport(frames, distinct, 9, inferences, True, state, 0.5, 120.0)
    line = parse_eye_line(wire.encode_sight(Stamp("yard", 1.0, 1_700_000_000_000), report))
    assert line is not None
    return line


class Yard:
    """A pulse with its clock."""

    def __init__(self, *, is_watched: bool = True) -> None:
        self.clock = ManualClock()
        self.pulse = Pulse("yard", self.clock, is_watched=is_watched)

    @property
    def state(self) -> str:
        return self.pulse.status().state


def test_eye_is_starting_until_it_tells_of_its_sight() -> None:
    yard = Yard()
    assert (yard.state, yard.pulse.status().pid) == ("starting", None)
    yard.pulse.begin(7, goes_on=False)
    assert (yard.state, yard.pulse.status().pid) == ("starting", 7)
    yard.pulse.hear(sight("dark"))
    status = yard.pulse.status()
    assert (status.state, status.reason, status.restarts) == ("dark", "", 0)


def test_reason_of_a_lost_camera_says_what_to_do() -> None:
    yard = Yard()
    yard.pulse.begin(7, goes_on=False)
    yard.pulse.hear(sight("lost"))
    assert "check the camera's power" in yard.pulse.status().reason


def test_eye_is_silent_after_12_s_and_speaks_again() -> None:
    yard = Yard()
    yard.pulse.begin(7, goes_on=False)
    yard.pulse.hear(sight())
    yard.clock.move(11.9)
    assert yard.state == "seeing"
    yard.clock.move(0.1)
    assert yard.state == "silent"
    since_ms = yard.pulse.status().since_ms
    yard.clock.move(5)
    assert yard.pulse.status().since_ms == since_ms, "a state lasts from its beginning"
    assert yard.pulse.silent_s == 17
    yard.pulse.hear(sight())
    assert (yard.state, yard.pulse.silent_s) == ("seeing", 0)


def test_eye_that_never_spoke_is_silent_too() -> None:
    yard = Yard()
    yard.pulse.begin(7, goes_on=False)
    yard.clock.move(12)
    assert yard.state == "silent"


def test_camera_without_a_process_is_down_and_not_silent() -> None:
    yard = Yard()
    yard.pulse.begin(7, goes_on=False)
    yard.pulse.end("down", "killed by SIGSEGV")
    yard.clock.move(1000)
    status = yard.pulse.status()
    assert (status.state, status.reason, status.pid) == ("down", "killed by SIGSEGV", None)
    assert yard.pulse.silent_s == 0


def test_restarts_are_counted_but_not_those_of_a_file_at_its_end() -> None:
    yard = Yard()
    yard.pulse.begin(7, goes_on=False)
    yard.pulse.hear(sight())
    yard.pulse.end(None, "")
    assert yard.state == "seeing"
    yard.pulse.begin(8, goes_on=True)
    assert (yard.state, yard.pulse.status().restarts) == ("seeing", 0)
    yard.pulse.end("down", "gone")
    yard.pulse.begin(9, goes_on=False)
    assert (yard.state, yard.pulse.status().restarts) == ("starting", 1)


def test_ages_count_from_the_last_rise_also_over_a_restart() -> None:
    yard = Yard()
    assert yard.pulse.status().frames_age_s is None
    yard.pulse.begin(7, goes_on=False)
    yard.pulse.hear(sight(distinct=0, inferences=0))
    assert yard.pulse.status().frames_age_s is None, "it has seen nothing yet"
    yard.pulse.hear(sight(distinct=5, inferences=2))
    yard.clock.move(10)
    yard.pulse.hear(sight(frames=20, distinct=5, inferences=3))
    status = yard.pulse.status()
    assert (status.frames_age_s, status.inference_age_s) == (10, 0)
    yard.pulse.end("down", "gone")
    yard.pulse.begin(8, goes_on=False)
    yard.clock.move(1)
    assert yard.pulse.status().frames_age_s == 11
    yard.pulse.hear(sight(distinct=1))
    assert yard.pulse.status().frames_age_s == 0, "its counters began anew"


def test_unwatched_camera_is_judged_by_its_packets() -> None:
    yard = Yard(is_watched=False)
    yard.pulse.begin(7, goes_on=False)
    yard.pulse.hear(sight(frames=10, distinct=5))
    yard.clock.move(10)
    yard.pulse.hear(sight(frames=20, distinct=5))
    assert yard.pulse.status().frames_age_s == 0
