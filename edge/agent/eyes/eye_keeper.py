"""Keeps one camera seen: runs its eye, again and again, and turns what it says into records.

Whatever happens to this camera stays here: no other camera waits or is restarted for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.agent.eyes import chronicle, outage
from edge.agent.eyes.adoption import Adoption, Keeping
from edge.agent.eyes.camera_clock import CameraClock
from edge.agent.eyes.chronicle import Chronicle
from edge.agent.eyes.eye_lines import End, EyeLine, Media, Reply, SightProof, TrackSeen
from edge.agent.eyes.eye_run import EyeRun, Listener
from edge.agent.eyes.fork_link import EyeEnd, ForkLink, signal_name
from edge.agent.eyes.live_tracks import LiveTracks
from edge.agent.eyes.outage import Outage, Patience, Seen
from edge.agent.eyes.pulse import Pulse
from edge.agent.eyes.refusals import find_refusal, find_unbuilt
from edge.agent.eyes.untold import JOURNAL_NAME
from edge.agent.ports import EyeStatus, UnclosedAlert
from edge.agent.promise import Promise
from edge.config.model import Camera
from edge.errors import EyeUnavailable
from edge.exits import EXIT_WRONG_USE
from edge.feeds import Draft
from edge.supervise import LONGEST_WAIT_S, Passing, run_forever
from edge.whole_file import make_folder

KILL_SILENT_S = 25.0
"""Two of its lines are missing by then: it is stopped, stuck or starved."""
LOOP_AGAIN_S = 1.0
"""A file that has come to its end is played again after this."""
SHORT_S = 5.0
"""One that is over sooner is played again with back-off: each run costs a fork and a record."""
REFUSED_AGAIN_S = 60.0
"""Somebody may have put right what the eye refused: a file of credentials, for instance."""
ENDED_S_MAX = 15.0
"""An eye that is killed has ended within this time, see `eye_run.py`, or its fork server is."""
BEGUN_S_MAX = 30.0
"""An eye that is asked for has begun within this time, or has not."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """What all eyes share.

    `folder` holds a folder for each camera, in which each run has its own.
    """

    config_path: Path
    folder: Path
    link: ForkLink
    keeping: Keeping
    passing: Passing
    patience: Patience = field(default_factory=Patience)
    kill_silent_s: float = KILL_SILENT_S


class EyeKeeper:
    """One camera of the pole."""

    def __init__(self, camera: Camera, house: House) -> None:
        """Nothing runs before `run`."""
        self._camera = camera
        self._house = house
        self._clock = house.passing.clock
        self._chronicle = Chronicle(camera.name)
        self._outage = Outage(camera.name)
        self._pulse = Pulse(camera.name, self._clock, is_watched=camera.watch)
        self._unbuilt = find_unbuilt(camera)
        self._run: EyeRun | None = None
        self._has_crashed = False
        self._goes_on = False
        self._has_seen = False
        self._refusal = ""
        self._promise = Promise(self._clock)
        self.tracks = LiveTracks()
        self.adoption = Adoption(camera.name, house.keeping)
        self.clock = CameraClock(
            camera.name, camera.main, house.passing, house.keeping.make_pen, self._put
        )
        self._listener = Listener(
            self._hear, house.keeping.scribe.wait_for_room, house.link.condemn, self._clock
        )

    def recall(self, unclosed: Sequence[UnclosedAlert]) -> None:
        """Go on with alerts that an agent before this one left open; call before `run`."""
        mono_ms = self._house.keeping.make_pen().clock.mono_ms
        self._chronicle = chronicle.recall(self._camera.name, unclosed, mono_ms)
        self._outage = Outage(self._camera.name, before=self._chronicle.cut_off)

    @property
    def status(self) -> EyeStatus:
        """What is known of it now."""
        return replace(self._pulse.status(), clock_off_s=self.clock.off_s)

    @property
    def late_s(self) -> float:
        """For how long it should have ended a silent eye, or begun another one; else 0."""
        return self._promise.late_s

    def require_run(self) -> EyeRun:
        """The eye that runs now.

        Raises:
            EyeUnavailable: none does; the message says why.
        """
        if self._run is None or self._run.is_stopped:
            status = self.status
            reason = status.reason or "its file begins anew; try again"
            raise EyeUnavailable(f"{self._camera.name}: no eye runs: {reason}")
        return self._run

    async def run(self) -> None:
        """Keep an eye running until cancelled; then it is stopped in order."""
        if self._unbuilt:
            self._pulse.end("refused", self._unbuilt)
            _log.error("camera refused: camera=%s reason=%s", self._camera.name, self._unbuilt)
            return
        name = f"eye {self._camera.name}"
        await run_forever(name, self._run_once, self._house.passing)

    def look(self) -> None:
        """Look after it, each second: end one that is silent, tell of a camera that is not seen."""
        self._look_at_run()
        status = self.status
        seen = Seen(
            self._clock.monotonic_ns(), self._clock.utc_ms(), status.state, status.reason,
            has_crashed=self._has_crashed,
        )  # fmt: skip
        pen = self._house.keeping.make_pen()
        self._outage, drafts = outage.step(self._outage, seen, pen, self._house.patience)
        self._put(drafts)

    def _look_at_run(self) -> None:
        if self._run is not None:
            if self._pulse.silent_s >= self._house.kill_silent_s:
                self._run.kill(f"it has said nothing for {self._pulse.silent_s:.0f} s")
        elif self._house.link.fault and not self._unbuilt:
            self._has_crashed = True
            self._pulse.end("down", f"no fork server runs: {self._house.link.fault}")

    async def _run_once(self) -> float | None:
        """One run of the eye; gives the seconds to the next where they are known."""
        self._promise.rest()
        await self._house.link.wait_up()
        folder = await asyncio.to_thread(self._make_folder)
        self._promise.renew(BEGUN_S_MAX)
        try:
            begun = await self._house.link.spawn(self._arguments(folder))
        except EyeUnavailable as exc:
            self._pulse.end("down", str(exc))
            self._promise.renew(LONGEST_WAIT_S + BEGUN_S_MAX)
            raise
        run = EyeRun(self._camera.name, begun, self._listener, folder=folder)
        self._pulse.begin(run.pid, goes_on=self._goes_on)
        self._promise.renew(self._house.kill_silent_s + ENDED_S_MAX)
        self._run, self._has_seen, self._goes_on = run, False, False
        try:
            await run.run()
        finally:
            self._run = None
            self._promise.renew(LONGEST_WAIT_S + BEGUN_S_MAX)
            self._pulse.end(None if run.is_over else "down", "the eye is started again")
            self.tracks.clear()
            self._close_alerts()
            if folder is not None:
                self.adoption.finish(folder)
        return await self._judge_end(run)

    def _arguments(self, folder: Path | None) -> list[str]:
        journal = [] if folder is None else ["--journal", str(folder / JOURNAL_NAME)]
        out = [] if folder is None else ["--out", str(folder), *journal]
        config = str(self._house.config_path)
        newest_id = self._house.keeping.make_pen().make_id()
        return [
            "--camera", self._camera.name, "--config", config, *out, "--tracks", "--pace", "real",
            "--ids-after", newest_id,
        ]  # fmt: skip

    def _make_folder(self) -> Path | None:
        """Make a folder for a run; on a disk that takes none the eye runs without files."""
        make_id = self._house.keeping.make_pen().make_id
        folder = self._house.folder / self._camera.name
        path = folder / make_id()
        try:
            for each in (folder.parent, folder, path):  # not above: the data folder may be gone
                make_folder(each, mode=0o700)
        except OSError as exc:
            _log.error("no folder for files: camera=%s reason=%s", self._camera.name, exc.strerror)
            return None
        return path

    def _hear(self, line: EyeLine) -> str | None:
        """Take in a line; say why it can't be believed, None where it can."""
        if doubt := chronicle.doubt(self._chronicle, line):
            return doubt
        self._pulse.hear(line)
        self._promise.renew(self._house.kill_silent_s + ENDED_S_MAX)
        if isinstance(line, TrackSeen):
            self.tracks.take(line)
        elif isinstance(line, Reply):
            self._discard(line)
        elif isinstance(line, Media) and line.file is not None:
            return self._adopt(line)
        elif not isinstance(line, End):
            self._has_seen |= isinstance(line, SightProof) and line.frames > 0
            pen = self._house.keeping.make_pen()
            known = replace(self._chronicle, clock_off_s=self.clock.off_s)
            self._chronicle, drafts = chronicle.step(known, line, pen)
            self._put(drafts)
        return None

    def _adopt(self, line: Media) -> str | None:
        if self._run is None or self._run.folder is None:
            return "it names a file and has no folder"
        self.adoption.take(self._run.folder, line)
        return None

    def _discard(self, reply: Reply) -> None:
        """Delete what was made for somebody who no longer waits."""
        if self._run is not None and self._run.folder is not None and reply.file is not None:
            self.adoption.discard(self._run.folder, reply.file)

    def _close_alerts(self) -> None:
        pen = self._house.keeping.make_pen()
        at_ms = self._clock.utc_ms()
        self._chronicle, drafts = chronicle.interrupt(self._chronicle, at_ms, pen)
        self._put(drafts)

    async def _judge_end(self, run: EyeRun) -> float | None:
        """Make of an end nobody asked for what it means: played out, refused, or a crash."""
        is_whole = run.end.exit == 0 and run.last_words == "end of file"
        if is_whole and self._has_seen and not run.kill_reason:
            self._goes_on, self._has_crashed = True, False
            return choose_pause_s(run.ran_s)
        if run.end.exit == EXIT_WRONG_USE and not run.kill_reason:
            return await self._take_refusal(run)
        self._refusal = ""
        has_spoken = bool(run.last_words) and run.end.exit is not None
        self._has_crashed = bool(run.kill_reason) or not has_spoken
        words = run.kill_reason or run.last_words
        reason = words or _explain_end(run.end)
        self._put([self._write_crash(run, reason)])
        self._pulse.end("down", f"the eye has ended and is started again: {reason}")
        raise EyeUnavailable(f"{run.end}: {words}" if words else str(run.end))

    async def _take_refusal(self, run: EyeRun) -> float:
        reason = await asyncio.to_thread(find_refusal, self._house.config_path, self._camera.name)
        self._has_crashed = False
        self._pulse.end("refused", reason)
        if reason != self._refusal:  # a lasting fault is recorded once
            self._refusal = reason
            self._put([self._write_crash(run, reason)])
            _log.error("eye refused: camera=%s reason=%s", self._camera.name, reason)
        return REFUSED_AGAIN_S

    def _write_crash(self, run: EyeRun, reason: str) -> Draft:
        pen = self._house.keeping.make_pen()
        number = run.end.signal
        return Draft(
            "health", pen.make_id(), "crash", self._clock.utc_ms(), pen.clock,
            camera=self._camera.name,
            data={
                "part": "eye", "exit": run.end.exit,
                "signal": signal_name(number) if number is not None else None,
                "reason": reason, "pid": run.pid, "ran_s": round(run.ran_s, 1),
                "garbage_lines": run.garbage_count,
                "refused_files": self.adoption.refused_count, "lines": list(run.log_lines),
            },
        )  # fmt: skip

    def _put(self, drafts: Sequence[Draft]) -> None:
        self._house.keeping.scribe.put(drafts)


def _explain_end(end: EyeEnd) -> str:
    """Say how an eye ended that printed no reason: one that ends by itself has told it the log."""
    return str(end) if end.exit is None else f"{end}; why stands in the log, just before"


def choose_pause_s(played_s: float) -> float | None:
    """How long to wait before a file that was played to its end is played again; None: back-off."""
    return LOOP_AGAIN_S if played_s >= SHORT_S else None
