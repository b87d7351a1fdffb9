from __future__ import annotations

from dataclasses import replace

import pytest

from edge.agent.health import Health, Part, find_change, judge
from edge.agent.ports import EyeStatus, OldestUnacked
from edge.feeds import ClockReading

CLOCK = ClockReading("synced", "b", 1)
SEEING = EyeStatus(
    "yard", is_watched=True, state="seeing", since_ms=0, frames_age_s=2.0, inference_age_s=40.0
)


def judged(*eyes: EyeStatus, **others: str) -> Health:
    return judge(
        eyes, log_fault=others.get("log"), tokens_fault=others.get("tokens"),
        oldest=OldestUnacked(0, 0), clock=CLOCK,
    )  # fmt: skip


def test_pole_is_well_when_all_parts_are() -> None:
    assert judged(SEEING, replace(SEEING, name="gate", state="dark")).is_well


@pytest.mark.parametrize("state", ["starting", "lost", "frozen", "silent", "down", "refused"])
def test_pole_is_unwell_when_a_camera_does_not_see(state: str) -> None:
    blind = replace(SEEING, state=state)  # type: ignore[arg-type]
    health = judged(SEEING, blind)
    assert not health.is_well
    assert health.parts[1].reason == f"the camera is {state}"


def test_eye_gives_its_own_reason_when_it_has_one() -> None:
    health = judged(replace(SEEING, state="lost", reason="no route to 10.0.0.9"))
    assert health.parts[0].reason == "no route to 10.0.0.9"


@pytest.mark.parametrize("age_s", [None, 20.1])
def test_camera_is_unwell_when_its_pictures_are_old(age_s: float | None) -> None:
    health = judged(replace(SEEING, frames_age_s=age_s))
    assert health.parts[0].reason == "no new picture came"


@pytest.mark.parametrize("age_s", [None, 90.1])
def test_camera_is_unwell_when_inference_stands_still(age_s: float | None) -> None:
    health = judged(replace(SEEING, inference_age_s=age_s))
    assert health.parts[0].reason == "the detector has not run for 90 s"


def test_unwatched_camera_needs_no_inference() -> None:
    assert judged(replace(SEEING, is_watched=False, inference_age_s=None)).is_well


def test_pole_is_unwell_when_the_disk_takes_nothing() -> None:
    health = judged(SEEING, log="the disk is full; make room")
    assert [part.reason for part in health.parts if not part.is_well] == [
        "the disk is full; make room"
    ]


def test_pole_is_unwell_when_the_tokens_are_not_heeded() -> None:
    assert not judged(SEEING, tokens="others may read it; chmod 600 it").is_well


def test_pole_is_unwell_when_it_is_unknown_what_nobody_has() -> None:
    health = judge([SEEING], log_fault=None, tokens_fault=None, oldest=None, clock=CLOCK)
    assert not health.is_well


def test_oldest_unacknowledged_alert_is_told_and_makes_nothing_unwell() -> None:
    oldest = OldestUnacked(7, 1_000)
    health = judge([SEEING], log_fault=None, tokens_fault=None, oldest=oldest, clock=CLOCK)
    assert health.is_well
    (alerts,) = [part for part in health.parts if part.kind == "alerts"]
    assert alerts.data == {"oldest_unacked": {"seq": 7, "at": "1970-01-01T00:00:01.000Z"}}


def test_change_is_told_once_when_a_part_goes_bad_and_when_it_is_good_again() -> None:
    good, bad = Health((Part("disk", "log", True),)), Health((Part("disk", "log", False, "full"),))
    assert find_change(None, good) == {"ok": True, "unwell": []}
    assert find_change(good, good) is None
    assert find_change(good, bad) == {"ok": False, "unwell": ["disk log"]}
    assert find_change(bad, bad) is None
    assert find_change(bad, good) == {"ok": True, "unwell": []}
