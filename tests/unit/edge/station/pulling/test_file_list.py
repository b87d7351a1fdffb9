"""What is wanted of one pole: what is held back together, and what may be tried meanwhile."""

from __future__ import annotations

from edge.station.ports.vault import Wanted
from edge.station.pulling.file_list import FileList, Waits
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
