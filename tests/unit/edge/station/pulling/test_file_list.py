"""What is wanted of one pole: what is held back together, and what may be tried meanwhile."""

from __future__ import annotations

from dataclasses import replace

from edge.station.ports.vault import Wanted
from edge.station.pulling.file_list import LISTED_MAX, FileList, Waits
from edge.supervise import Passing
from tests.support.clocks import ManualClock


def wanted(name: str, *, size_bytes: int, role: str = "clip") -> Wanted:
    return Wanted("P1", name * 64, size_bytes, "video/mp4", role, "yard", True, 1000)


def test_larger_files_of_its_kind_are_held_back_with_one_that_has_no_room() -> None:
    clock = ManualClock()
    files = FileList(Waits(held_s=60), Passing(clock))
    small, middle, large = (wanted(name, size_bytes=int(name)) for name in "123")
    still = wanted("4", size_bytes=4, role="snapshot")
    files.fill([small, middle, large, still])

    assert files.hold_back(middle) == [middle, large]
    assert files.next(snapshots_only=False) == still
    files.drop(still)
    assert files.next(snapshots_only=False) == small
    files.drop(small)
    assert files.next(snapshots_only=False) is None
    clock.move(60)
    assert files.next(snapshots_only=False) in (middle, large)


def test_captures_are_held_back_with_a_clip_and_no_clip_with_a_capture() -> None:
    files = FileList(Waits(), Passing(ManualClock()))
    clip, large = wanted("1", size_bytes=2), wanted("2", size_bytes=3)
    capture = replace(wanted("3", size_bytes=2, role="face"), is_alert=False)
    files.fill([clip, large, capture])

    assert files.hold_back(capture) == [capture]
    assert files.hold_back(clip) == [clip, large, capture]


def test_files_that_are_wanted_no_longer_are_named_once_they_are_not_on_their_way() -> None:
    files = FileList(Waits(), Passing(ManualClock()))
    one, two, three = (wanted(name, size_bytes=1) for name in "123")
    files.fill([one, two, three])
    files.begin(one)

    assert files.fill([three]) == [two.sha256]
    files.end(one)
    assert files.fill([three]) == [one.sha256]
    assert files.fill([three]) == []


def test_files_behind_a_full_list_are_still_wanted() -> None:
    files = FileList(Waits(), Passing(ManualClock()))
    many = [replace(wanted("1", size_bytes=1), sha256=f"{n:064d}") for n in range(LISTED_MAX + 1)]

    files.fill(many[1:])
    assert files.fill(many[:-1]) == []
    assert files.fill([many[-1]]) == [each.sha256 for each in many[:-1]]
