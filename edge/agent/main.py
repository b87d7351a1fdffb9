"""Composition root of the agent: builds one pole from its configuration and runs it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge.agent.api.app import make_app
from edge.agent.api.context import Pole
from edge.agent.data_folder import DataFolder, open_data_folder
from edge.agent.eyes.chronicle import Pen
from edge.agent.eyes.pole_eyes import PoleEyes, Surroundings, Terms
from edge.agent.eyes.scribe import tell
from edge.agent.health import Health, describe, find_change, judge
from edge.agent.listening import find_listening
from edge.agent.log.pole_log import PoleLog
from edge.agent.media import MediaFolder
from edge.agent.mending.mend import mend, set_log_aside
from edge.agent.mending.quarantine import QUARANTINE_NAME, Found, find_untold
from edge.agent.mending.retelling import tell_anew
from edge.agent.notify import Notifier, take_notifier
from edge.agent.ports import OldestUnacked
from edge.agent.room.disk_keeper import DiskKeeper
from edge.agent.room.disk_watch import make_part
from edge.agent.room.media_room import MediaRoom
from edge.agent.run_log import EarlierRun, RunLog
from edge.agent.tokens import Tokens
from edge.agent.watch import watch
from edge.clock import Clock, SystemClock
from edge.clock_trust import ClockTrust, find_synced, read_boot_id
from edge.config.model import Config
from edge.errors import EdgeError, LogDamaged, StoreError
from edge.exits import first_error
from edge.feeds import FEEDS, Draft, Feed
from edge.fork.client import COMMAND
from edge.model import Json
from edge.serving.door import Door, make_door
from edge.serving.server import serve
from edge.supervise import Passing

HEALTH_EVERY_S = 5.0
RETELL_US_MAX = 300_000_000
"""100,000 records are told anew within this time on a slow card."""
_log = logging.getLogger("polewatch")


@dataclass(frozen=True, slots=True)
class Settings:
    """One pole as asked for.

    `on_ready` is told the page's address once it is served; `fork_server` is what eyes come from,
    `terms` how long what may take with them.
    """

    config: Config
    config_path: Path
    data: Path
    on_ready: Callable[[str], None] | None = None
    fork_server: Sequence[str] = COMMAND
    terms: Terms = field(default_factory=Terms)


def run_pole(settings: Settings) -> int:
    """Run a pole until it is told to stop by SIGTERM or SIGINT.

    Returns:
        Exit code 0.

    Raises:
        EdgeError: it can't be begun, or can't go on; the message says why.
    """
    try:
        asyncio.run(_Agent(settings).run())
    except* EdgeError as group:
        raise first_error(group) from group
    return 0


class _Agent:
    """One pole's parts, and what keeps them going."""

    _tokens: Tokens
    _log: PoleLog
    _trust: ClockTrust
    _eyes: PoleEyes
    _room: MediaRoom
    _keeper: DiskKeeper

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._begun_ms = self._clock.utc_ms()
        self._mended: list[Found] = []
        self._notifier: Notifier = take_notifier()
        self._config_text = settings.config_path.read_text(encoding="utf-8")

    async def run(self) -> None:
        """Build everything in order and run it; it ends in reverse."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(open_data_folder(settings.data, mend=self._mend))
            kept = stack.enter_context(RunLog(folder.path, read_boot_id(), self._clock))
            self._tokens = Tokens(folder.path)
            self._log = await self._open_log(stack, folder)
            self._trust = await self._make_trust()
            await self._tell("start", self._describe_start())
            await self._tell_mended(folder.path)
            await self._tell_crash(kept.crash)
            self._room = self._make_room(folder)
            self._keeper = DiskKeeper(
                self._log, self._room, lambda: Pen(self._trust.read(), self._log.make_id)
            )
            self._eyes = self._make_eyes(folder)
            listening = find_listening(
                settings.config,
                tls_folder=folder.tls,
                config_folder=settings.config_path.parent,
            )
            door = make_door(listening, folder.key)
            app = make_app(self._make_pole(folder, door))
            (address, *_) = await stack.enter_async_context(serve(app, door))
            scheme = "http" if door.tls is None else "https"
            await self._live(f"{scheme}://{address}")

    def _mend(self, path: Path) -> None:
        self._mended += mend(path)

    async def _open_log(self, stack: AsyncExitStack, folder: DataFolder) -> PoleLog:
        """Open the pole's log; one that can't be taken up is set aside, and a new one begun."""

        def make_log() -> PoleLog:
            return PoleLog(
                folder.path, self._settings.config.pole, key=folder.key, clock=self._clock
            )

        try:
            return await stack.enter_async_context(make_log())
        except LogDamaged as exc:
            self._mended.append(set_log_aside(folder.path, str(exc).partition(";")[0]))
        return await stack.enter_async_context(make_log())

    async def _tell_mended(self, path: Path) -> None:
        """Tell what was found to be damaged at the start, and anew what was whole of a log."""
        for found in self._mended:
            _log.error("found damaged at the start: %s", found)
            said: dict[str, Json] = {
                "what": found.what, "reason": found.reason, "kept": found.kept,
            }  # fmt: skip
            await self._tell("mended", said)
        for place in find_untold(path):
            self._notifier.send(EXTEND_TIMEOUT_USEC=RETELL_US_MAX, STATUS="tells alerts anew")
            salvage = await tell_anew(place, self._log, self._draft)
            kept = {"kept": f"{QUARANTINE_NAME}/{place.name}", "epoch": salvage.epoch}
            await self._tell("retold", {**kept, "found": dict(salvage.found)})

    async def _live(self, address: str) -> None:
        """Run what runs beside the API until told to stop."""
        self._heed_signals()
        _log.info("pole ready: id=%s page=%s", self._settings.config.pole.id, address)
        if self._settings.on_ready is not None:
            self._settings.on_ready(address)
        self._notifier.send(READY=1, STATUS=f"serves {address}")
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(self._trust.run(self._log.append)),
                group.create_task(self._watch_health()),
                group.create_task(self._keeper.run(Passing(self._clock))),
                group.create_task(self._log.watch()),
                group.create_task(self._room.run(Passing(self._clock), self._log.reserve)),
                group.create_task(watch(self._notifier, self._read_late)),
            ]
            await self._eyes.run()
            for task in watching:
                task.cancel()
        await self._tell("state", {"ok": False, "unwell": ["agent stopped"]})

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        self._notifier.send(STOPPING=1, STATUS="stops its eyes")
        self._eyes.stop()

    def _read_late(self) -> dict[str, float]:
        return {"log": self._log.hung_s(), **self._eyes.late_s}

    async def _make_trust(self) -> ClockTrust:
        boot = read_boot_id()
        pages = [
            await self._log.page(
                feed, after=max(0, self._log.head(feed).seq - 1), limit=1, cameras=None
            )
            for feed in FEEDS
        ]
        bodies = [body for page in pages for body in page.bodies]
        return ClockTrust(
            self._clock, boot=boot, make_id=self._log.make_id,
            synced_mono_ms=find_synced(bodies, boot),
        )  # fmt: skip

    def _make_room(self, folder: DataFolder) -> MediaRoom:
        return MediaRoom(
            folder.path, self._log, quota_bytes=self._settings.config.retention.quota_bytes,
            read_keepers=self._tokens.keepers, make_draft=self._draft,
        )  # fmt: skip

    def _make_eyes(self, folder: DataFolder) -> PoleEyes:
        around = Surroundings(
            self._log, MediaFolder(folder.media), folder.eyes, self._trust.read, self._log.make_id,
            command=self._settings.fork_server, terms=self._settings.terms,
            room=self._room.for_file,
        )  # fmt: skip
        return PoleEyes(self._settings.config, self._settings.config_path, around)

    def _make_pole(self, folder: DataFolder, door: Door) -> Pole:
        settings = self._settings
        return Pole(
            config=settings.config,
            log=self._log,
            eyes=self._eyes,
            tokens=self._tokens,
            clock=self._clock,
            public_key=folder.key.public_key(),
            read_clock=self._trust.read,
            make_id=self._log.make_id,
            judge_health=self._judge_health,
            begun_ms=self._begun_ms,
            config_text=self._config_text,
            config_folder=settings.config_path.parent,
            tls=door.binding,
        )

    async def _judge_health(self) -> Health:
        oldest: OldestUnacked | None = None
        with contextlib.suppress(StoreError):
            oldest = await self._log.oldest_unacked(self._tokens.keepers())
        judged = judge(
            [self._eyes.status(name) for name in self._eyes.names],
            log_fault=self._log.fault,
            tokens_fault=self._tokens.fault,
            oldest=oldest,
            clock=self._trust.read(),
        )
        return Health((*judged.parts, make_part(self._keeper.disk)))

    async def _watch_health(self) -> None:
        """Record whenever other parts are unwell than before."""
        before: Health | None = None
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            now = await self._judge_health()
            change = find_change(before, now)
            before = now
            await self._tell_tokens()
            if change is not None:
                self._notifier.send(STATUS=describe(now))
                await self._tell("state", change)

    async def _tell(self, kind: str, data: dict[str, Json], *, feed: Feed = "health") -> None:
        """Write a record of the pole's own health, or of what was done to it."""
        await tell(self._log, self._draft(feed, kind, data=data))

    def _draft(self, feed: Feed, kind: str, **fields: Any) -> Draft:
        """A record of now."""
        return Draft(
            feed, self._log.make_id(), kind, self._clock.utc_ms(), self._trust.read(), **fields
        )

    async def _tell_tokens(self) -> None:
        """Put on record which tokens were made or revoked on the pole's own console."""
        changes = self._tokens.take_changes()
        for what, token in changes:
            said: dict[str, Json] = {
                "what": what, "name": token.name, "scopes": list(token.scopes), "by": "console",
            }  # fmt: skip
            await self._tell("change", said, feed="audit")
        if changes:
            with contextlib.suppress(StoreError):  # told once more after a restart
                self._tokens.keep_told()

    async def _tell_crash(self, crash: EarlierRun | None) -> None:
        """Tell how the agent before this one ended, where that was not in order."""
        if crash is not None:
            said = crash.describe(read_boot_id())
            _log.warning("the agent before this one did not end in order: %s", said["reason"])
            await self._tell("crash", said)

    def _describe_start(self) -> dict[str, Json]:
        return {
            "version": version("polewatch"),
            "config_sha256": hashlib.sha256(self._config_text.encode()).hexdigest(),
            "cameras": [camera.name for camera in self._settings.config.cameras],
            "tokens": [token.name for token in self._tokens.all()],
        }
