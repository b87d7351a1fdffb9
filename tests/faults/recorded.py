"""What a pole did to its disk and said over its sockets, as recorded; and its disk at any cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

from tests.faults.disk import Disk, Mode
from tests.faults.file_calls import Call, read_calls
from tests.faults.planted import Bug
from tests.faults.runner import Runner

_ID = re.compile(rb'"id":"([0-9A-HJKMNP-TV-Z]{26})"')
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Telling:
    """Bytes that went out over TCP and named what nobody had been told of before.

    `at` is how many calls were made before; `ids` those of records and alerts, `digests` those of
    files.
    """

    at: int
    ids: frozenset[str]
    digests: frozenset[str]


class Recording:
    """All calls, in order."""

    def __init__(self, calls: list[Call]) -> None:
        """`calls` as `read_calls` gives them."""
        self.calls = calls

    @cached_property
    def tellings(self) -> list[Telling]:
        """What was told, in order."""
        return list(self._find_tellings())

    def told(self, cut: int) -> list[str]:
        """What a pole had told by a cut, in the words of `life`, but for its journals.

        Those outlive a process and not the power.
        """
        notes = [each.data.decode() for each in self.calls[:cut] if each.what == "N"]
        return [each for each in notes if not each.startswith("journal")]

    def rebuild(self, cut: int, folder: Path, mode: Mode, dice: Random) -> None:
        """Write the disk out as it would be after a power cut before a call."""
        disk = Disk()
        for call in self.calls[:cut]:
            disk.take(call)
        disk.rebuild(folder, mode, dice)

    def _find_tellings(self) -> Iterator[Telling]:
        known: frozenset[str] = frozenset()
        for at, call in enumerate(self.calls):
            if call.what == "S":
                ids = frozenset(each.decode() for each in _ID.findall(call.data)) - known
                digests = frozenset(each.decode() for each in _DIGEST.findall(call.data)) - known
                known |= ids | digests
                if ids or digests:
                    yield Telling(at, ids, digests)


def record(runner: Runner, folder: Path, *, bug: Bug | None = None, alerts: int = 2) -> Recording:
    """Have a pole live twice on one data folder: begun, stopped, and gone on with."""
    for _ in range(2):
        lived = runner.live(folder / "data", notes=folder / "notes", alerts=alerts, bug=bug)
        assert (lived.exit, lived.signal) == (0, 0)
    return Recording(read_calls(folder / "notes"))
