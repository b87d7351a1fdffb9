"""Runs what the store does by itself, and tells people when its disk is short or was at fault."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from edge.clock import NS_PER_S, Clock
from edge.model import Json
from edge.station.own_alerts import OwnAlerts
from edge.station.store.upkeep import EXPIRE_MAX, Room, StoreUpkeep, Want
from edge.supervise import Passing, run_forever

EVERY_S = 60.0
SIGN_EVERY_S = 3600.0
_PART_MAX = 20
"""Commits of expiring files in one go; the next minute goes on."""
_WANT: Mapping[Want, str] = {
    "disk": "the disk has only its reserve left",
    "quota": "the quota is reached",
    "share": "what is left is kept for alerts' files, captures have no room",
    "past": "there was no room for files when their turn came",
}
_REMEDY = (
    "give the store a larger disk or quota; nothing here goes before its time",
    "they come when their poles answer; what does not fit needs a larger disk or quota",
)

_log = logging.getLogger(__name__)


class Retention:
    """The upkeep of one store."""

    def __init__(self, store: StoreUpkeep, own: OwnAlerts, *, clock: Clock) -> None:
        """`own` has taken up what was open when the station began."""
        self._store, self._own, self._clock = store, own, clock
        self._signed_ns = clock.monotonic_ns()
        self._fault_count = 0

    async def run(self) -> None:
        """Run until cancelled; what fails is said and done again."""
        await run_forever("retention", self.run_once, Passing(self._clock))

    async def run_once(self) -> float:
        """Do what is due; seconds to the next time.

        Raises:
            StoreError: the disk does not take it.
        """
        await self._tell_fault()
        await self._store.note_age()
        for _ in range(_PART_MAX):
            if await self._store.expire_files() < EXPIRE_MAX:
                break
        await self._store.drop_old_records()
        await self._store.forget_alerts()
        await self._store.forget_files()
        if count := await self._store.open_orphans():
            _log.warning("alerts without a beginning: count=%d", count)
        if self._clock.monotonic_ns() - self._signed_ns >= SIGN_EVERY_S * NS_PER_S:
            await self._store.sign_heads()
            self._signed_ns = self._clock.monotonic_ns()
        await self._tell_room(await self._store.room())
        await self._tell_spoiled(await self._store.count_spoiled())
        return EVERY_S

    async def _tell_fault(self) -> None:
        """Tell of a disk that took nothing, once it takes records again: that this was written."""
        count, fault = self._store.fault_count, self._store.last_fault
        if count != self._fault_count:
            await self._own.say("disk", "writing", {"reason": fault or "", "times": count})
        await self._own.over("disk", "writing", "the disk takes records again")
        self._fault_count = count

    async def _tell_room(self, room: Room) -> None:
        if room.is_ample:
            await self._own.over("disk", "room", "there is room again")
        reason = f"{_WANT[room.want]}; files wait at their poles, which may have to delete them"
        told = self._own.find("disk", "room")
        if not room.is_short and (told is None or told["reason"] == reason):
            return
        said: dict[str, Json] = {
            "reason": reason,
            "remedy": _REMEDY[room.want == "past"],
            "files": _roughly(room.held_back),
        }
        await self._own.say("disk", "room", said)

    async def _tell_spoiled(self, count: int) -> None:
        """Tell of files that were changed on the disk, until somebody has taken them away."""
        if not count:
            await self._own.over("disk", "spoiled", "nothing lies in `spoiled` any more")
            return
        said: dict[str, Json] = {
            "reason": "files were not what was recorded; their poles are asked for them again",
            "remedy": "run polewatch station verify, see to the disk, then empty `spoiled`",
            "files": count,
        }
        await self._own.say("disk", "spoiled", said)


def _roughly(count: int) -> int:
    """A count by its first digit, so that its alert is not updated with each file."""
    unit: int = 10 ** (len(str(count)) - 1)
    return count // unit * unit
