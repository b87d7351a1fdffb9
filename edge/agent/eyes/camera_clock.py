"""Compares one camera's clock, which it may write into its pictures, with the pole's each hour.

A picture whose time is more than a second wrong is worth less in court (GA/T 832-2014): it is put
on record when that begins, changes and ends, and marked on the camera's alerts meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from edge.agent.eyes.camera_time import CameraOffset, ask_offset
from edge.agent.eyes.chronicle import Pen
from edge.feeds import Draft
from edge.supervise import Passing

FIRST_ASKED_S = 60.0
ASKED_EVERY_S = 3600.0
OFF_S_MAX = 1.0
MOVED_S = 1.0
"""One that is off goes on drifting; less is not worth another record."""

_log = logging.getLogger(__name__)


class CameraClock:
    """One camera's; `off_s` is how far it is ahead, None while it is right or not known."""

    def __init__(
        self, camera: str, source: str, passing: Passing,
        make_pen: Callable[[], Pen], put: Callable[[Sequence[Draft]], None],
    ) -> None:  # fmt: skip
        """Nothing is asked yet.

        Args:
            camera: its name.
            source: its address as configured.
            passing: the pole's clocks.
            make_pen: for records; it also tells whether the pole's own clock can be trusted.
            put: takes records.
        """
        self._camera, self._source, self._passing = camera, source, passing
        self._make_pen, self._put = make_pen, put
        self._is_first = True
        self.off_s: float | None = None

    async def run_once(self) -> float:
        """Ask once; seconds until it is to be asked again."""
        if self._is_first:
            self._is_first = False
            return FIRST_ASKED_S
        if self._make_pen().clock.state != "unset":
            found = await ask_offset(self._source, self._passing)
            if found is not None:
                self.take(found)
        return ASKED_EVERY_S

    def take(self, found: CameraOffset) -> None:
        """Take in how far it is off; a record where that is news."""
        before_s = self.off_s
        if abs(found.off_s) - found.within_s <= OFF_S_MAX:
            self.off_s = None
        elif before_s is None or abs(found.off_s - before_s) > MOVED_S:
            self.off_s = found.off_s
        if self.off_s == before_s:
            return
        pen = self._make_pen()
        _log.warning("camera's clock: camera=%s off_s=%.1f", self._camera, found.off_s)
        self._put([
            Draft(
                "health", pen.make_id(), "camera_clock", self._passing.clock.utc_ms(), pen.clock,
                camera=self._camera,
                data={"off_s": found.off_s, "by": found.by, "ok": self.off_s is None},
            )
        ])  # fmt: skip
