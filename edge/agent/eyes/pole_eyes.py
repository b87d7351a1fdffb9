"""All eyes of the pole: started, watched, heard, asked and stopped; gives `ports.Eyes`.

How they are run, restarted and believed: docs/design/eyes.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edge.agent.eyes.adoption import TOGETHER_MAX, Adoption, Keeping, MakeRoom, endless_room
from edge.agent.eyes.asking import open_asked
from edge.agent.eyes.chronicle import Pen, close_cut_off
from edge.agent.eyes.eye_keeper import KILL_SILENT_S, EyeKeeper, House
from edge.agent.eyes.eye_lines import TrackSeen
from edge.agent.eyes.fork_link import LOOK_EVERY_S, ForkLink
from edge.agent.eyes.outage import Patience
from edge.agent.eyes.scribe import Scribe
from edge.agent.eyes.untold import find_untold, read_journal
from edge.agent.eyes.views import open_view
from edge.agent.media import MediaFolder
from edge.agent.ports import AskedFile, EyeStatus, Log
from edge.agent.promise import Promise
from edge.config.model import Config
from edge.errors import MediaError, StoreError
from edge.feeds import ClockReading, Draft
from edge.fork.client import COMMAND, ForkServerLost
from edge.model import Json
from edge.supervise import Passing, run_forever

LOOK_S = 1.0
LOOKED_S_MAX = 10.0
SWEEP_AFTER_S = 15.0
"""Eyes of an agent that was killed have ended by then; what they left is looked through."""
DRAIN_S_MAX = 5.0
"""At the stop; files that are not taken over by then are found at the next start."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what may take; for tests."""

    patience: Patience = field(default_factory=Patience)
    kill_silent_s: float = KILL_SILENT_S
    sweep_after_s: float = SWEEP_AFTER_S
    look_at_server_s: float = LOOK_EVERY_S


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the eyes work with.

    `folder` is for their files, on the media folder's file system. `read_clock` and `make_id` are
    for records. `command` starts the fork server. `room` makes room for a file, see `Keeping`.
    """

    log: Log
    media: MediaFolder
    folder: Path
    read_clock: Callable[[], ClockReading]
    make_id: Callable[[], str]
    passing: Passing = field(default_factory=Passing)
    command: Sequence[str] = COMMAND
    terms: Terms = field(default_factory=Terms)
    room: MakeRoom = endless_room


class PoleEyes:
    """The eyes of one pole while `run` runs."""

    def __init__(self, config: Config, config_path: Path, around: Surroundings) -> None:
        """Nothing runs before `run`.

        Args:
            config: its cameras get an eye each.
            config_path: the file that it was loaded from; eyes read it for themselves.
            around: what they work with.
        """
        self._around = around
        self._scribe = Scribe(around.log)
        self._keeping = Keeping(
            around.log, around.media, self._scribe, self._make_pen,
            asyncio.Semaphore(TOGETHER_MAX), around.room,
        )  # fmt: skip
        clock, terms = around.passing.clock, around.terms
        self._link = ForkLink(around.command, clock, look_every_s=terms.look_at_server_s)
        self._looking = Promise(clock)
        house = House(
            config_path.absolute(), around.folder, self._link, self._keeping, around.passing,
            patience=terms.patience, kill_silent_s=terms.kill_silent_s,
        )  # fmt: skip
        self._keepers = {each.name: EyeKeeper(each, house) for each in config.cameras}
        self._is_told_to_stop = asyncio.Event()

    @property
    def names(self) -> tuple[str, ...]:
        """See `Eyes.names`."""
        return tuple(self._keepers)

    @property
    def fork_server_pid(self) -> int | None:
        """Process id of the fork server, while one runs."""
        return self._link.pid

    @property
    def late_s(self) -> dict[str, float]:
        """For how long each part has been late with what keeps the eyes going; 0 if it is not."""
        parts = {f"eye {name}": keeper.late_s for name, keeper in self._keepers.items()}
        return {"eyes": self._looking.late_s, "fork server": self._link.late_s, **parts}

    def status(self, name: str) -> EyeStatus:
        """See `Eyes.status`."""
        return self._keepers[name].status

    def tracks(self, name: str) -> tuple[TrackSeen, ...]:
        """See `Eyes.tracks`."""
        return self._keepers[name].tracks.all()

    async def wait_for_tracks(self, name: str, *, timeout_s: float) -> bool:
        """See `Eyes.wait_for_tracks`."""
        return await self._keepers[name].tracks.wait(timeout_s)

    async def ask_file(self, name: str, command: str, arguments: Mapping[str, Json]) -> AskedFile:
        """See `Eyes.ask_file`."""
        run = self._keepers[name].require_run()
        reply = await run.asking.ask(command, arguments)
        if run.folder is None:
            raise MediaError(f"{name}: its eye has no folder to write to; check the disk")
        return await open_asked(run.folder, command, reply)

    @contextlib.asynccontextmanager
    async def view(
        self, name: str, form: Literal["jpeg", "fragments"], stream: Literal["main", "sub"]
    ) -> AsyncIterator[asyncio.StreamReader]:
        """See `Eyes.view`."""
        run = self._keepers[name].require_run()
        async with open_view(run.asking, form, stream) as reader:
            yield reader

    def stop(self) -> None:
        """Let `run` stop the eyes in order and return."""
        self._is_told_to_stop.set()

    async def run(self) -> None:
        """Run until `stop`, or cancelled, which comes to the same; then all their lines are kept.

        Raises:
            StoreError: the log or the eyes' folder can't be read at the start.
        """
        await self._close_what_was_open()
        old = await asyncio.to_thread(_list_runs, self._around.folder)
        async with asyncio.TaskGroup() as group:
            scribe = group.create_task(self._scribe.run())
            passing = self._around.passing
            helping = [group.create_task(run_forever("fork server", self._serve_forks, passing))]
            helping += [
                group.create_task(run_forever(f"files of {name}", each.adoption.run, passing))
                for name, each in self._keepers.items()
            ]
            helping += [
                group.create_task(run_forever(f"clock of {name}", each.clock.run_once, passing))
                for name, each in self._keepers.items()
            ]
            try:
                await self._keep(old)
            finally:
                await self._drain()
                for task in helping:
                    task.cancel()
                self._scribe.close()
                await asyncio.wait([scribe], timeout=DRAIN_S_MAX)

    async def _keep(self, old: Mapping[str, Sequence[Path]]) -> None:
        """Keep the eyes running until told to stop; they have ended when this does."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.run()) for each in self._keepers.values()]
            tasks += [group.create_task(self._look()), group.create_task(self._sweep(old))]
            await self._is_told_to_stop.wait()
            for task in tasks:
                task.cancel()

    async def _look(self) -> None:
        while True:
            self._looking.renew(LOOKED_S_MAX)
            await self._around.passing.sleep(LOOK_S)
            for keeper in self._keepers.values():
                keeper.look()

    async def _sweep(self, old: Mapping[str, Sequence[Path]]) -> None:
        """Look through what eyes of an agent before this one have left."""
        await self._around.passing.sleep(self._around.terms.sweep_after_s)
        for name, folders in old.items():
            keeper = self._keepers.get(name)
            adoption = keeper.adoption if keeper else Adoption(name, self._keeping)
            for folder in folders:
                await self._recover_alerts(name, folder)
                await adoption.sweep(folder)

    async def _recover_alerts(self, camera: str, folder: Path) -> None:
        """Record alerts that an agent before this one was told of and has not recorded."""
        lines = await asyncio.to_thread(read_journal, folder)
        try:
            self._scribe.put(await find_untold(camera, lines, self._around.log, self._make_pen()))
        except StoreError as exc:
            _log.error("alerts not recovered: camera=%s reason=%s", camera, exc)

    async def _serve_forks(self) -> None:
        """Run a fork server, and record its end; it ends by itself only if something is wrong."""
        try:
            await self._link.run_once()
        except ForkServerLost as exc:
            pen = self._make_pen()
            now_ms = self._around.passing.clock.utc_ms()
            data: dict[str, Json] = {"part": "fork server", "reason": str(exc)}
            self._scribe.put(
                [Draft("health", pen.make_id(), "crash", now_ms, pen.clock, data=data)]
            )
            raise

    async def _close_what_was_open(self) -> None:
        unclosed = await self._around.log.unclosed_alerts()
        now_ms = self._around.passing.clock.utc_ms()
        for keeper in self._keepers.values():
            keeper.recall(unclosed)
        self._scribe.put(close_cut_off(unclosed, now_ms, self._make_pen()))

    async def _drain(self) -> None:
        """Give what the eyes told last the time to become records."""
        try:
            async with asyncio.timeout(DRAIN_S_MAX):
                for keeper in self._keepers.values():
                    await keeper.adoption.drain()
        except TimeoutError:
            _log.warning("files wait to be taken over; that is done at the next start")

    def _make_pen(self) -> Pen:
        return Pen(self._around.read_clock(), self._around.make_id)


def _list_runs(folder: Path) -> dict[str, list[Path]]:
    """The folders of earlier runs, by camera; raises StoreError."""
    try:
        # An eye may have put a link there, and what is swept is removed.
        cameras = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
        return {
            camera.name: sorted(path for path in camera.iterdir() if not path.is_symlink())
            for camera in cameras
        }
    except FileNotFoundError:
        return {}
    except OSError as exc:
        problem = f"{exc.filename}: can't be read ({exc.strerror}); check owner and mode"
        raise StoreError(problem) from exc
