"""The eyes of a pole on a real log and disk, with real processes, for tests of the agent."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.agent.data_folder import open_data_folder
from edge.agent.eyes.pole_eyes import PoleEyes, Surroundings, Terms
from edge.agent.log.pole_log import PoleLog
from edge.agent.media import MediaFolder
from edge.clock import SystemClock, make_ids
from edge.config.load import load_config
from edge.feeds import ClockReading, Feed

ILL = (sys.executable, "-m", "tests.support.ill_forkserver")
CHEQUER = (sys.executable, "-m", "tests.support.chequer_forkserver")
WAIT_S = 20.0
Record = dict[str, Any]


async def poll(
    condition: Callable[[], bool], *, timeout_s: float = WAIT_S,
    told: Callable[[], object] = lambda: "",
) -> None:  # fmt: skip
    """Wait until something holds; `told` is what to say when it does not in time."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s: {told()}"
        await asyncio.sleep(0.02)


def open_descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


@dataclass
class EyePole:
    """What a test does with it."""

    data: Path
    eyes: PoleEyes
    log: PoleLog

    async def records(self, feed: Feed, kind: str = "", camera: str = "") -> list[Record]:
        """The records of a feed so far; of one kind and camera, where they are given."""
        bodies: list[bytes] = []
        after, has_more = 0, True
        while has_more:
            page = await self.log.page(feed, after=after, limit=1000, cameras=None)
            bodies += page.bodies
            after, has_more = page.next_seq, page.has_more
        found: list[Record] = [json.loads(body) for body in bodies]
        return [
            each for each in found
            if kind in ("", each["kind"]) and camera in ("", each["camera"])
        ]  # fmt: skip

    async def wait_for(
        self, feed: Feed, kind: str, camera: str = "", *, count: int = 1, timeout_s: float = WAIT_S
    ) -> list[Record]:
        """Wait until so many records are there; give them."""
        found: list[Record] = []

        async def look() -> bool:
            found[:] = await self.records(feed, kind, camera)
            return len(found) >= count

        deadline_s = time.monotonic() + timeout_s
        while not await look():
            assert time.monotonic() < deadline_s, f"no {kind} of {camera or 'any'}: {found}"
            await asyncio.sleep(0.05)
        return found

    async def wait_until(self, condition: Callable[[], bool], *, timeout_s: float = WAIT_S) -> None:
        """Wait until something holds."""
        await poll(
            condition, timeout_s=timeout_s,
            told=lambda: {name: self.eyes.status(name) for name in self.eyes.names},
        )  # fmt: skip

    async def wait_state(self, name: str, *states: str, timeout_s: float = WAIT_S) -> None:
        """Wait until a camera is in one of some states."""
        await self.wait_until(lambda: self.eyes.status(name).state in states, timeout_s=timeout_s)

    def pid(self, name: str) -> int:
        """The process of a camera's eye."""
        pid = self.eyes.status(name).pid
        assert pid is not None
        return pid

    def kept(self) -> dict[str, bytes]:
        """Every file of the media folder, by hash."""
        folder = self.data / "media"
        return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def left(self) -> list[str]:
        """Every file in the eyes' own folders."""
        return [path.name for path in (self.data / "eyes").rglob("*") if not path.is_dir()]


def write_config(folder: Path, cameras: Mapping[str, str | Path], extra: str = "") -> Path:
    """Write a configuration: name → main source."""
    tables = [f'[[camera]]\nname = "{name}"\nmain = "{main}"\n' for name, main in cameras.items()]
    path = folder / "pole.toml"
    text = '[pole]\nid = "SG-017"\n' + "".join(tables) + extra
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def running(
    folder: Path,
    cameras: Mapping[str, str | Path] | Sequence[str],
    *,
    command: Sequence[str] = ILL,
    terms: Terms = Terms(),  # noqa: B008 - frozen
    extra: str = "",
) -> AsyncIterator[EyePole]:
    """Run eyes while the context is open, and stop them in order.

    Args:
        folder: for configuration and data; what is there from before is gone on with.
        cameras: name → main source; of an ill fork server names are enough.
        command: which fork server.
        terms: how long what may take.
        extra: more of the configuration.
    """
    mains = cameras if isinstance(cameras, Mapping) else dict.fromkeys(cameras, "nothing.mp4")
    path = write_config(folder, mains, extra)
    config, clock = load_config(path), SystemClock()
    make_id = make_ids(clock)
    with open_data_folder(folder / "data") as data:
        media = MediaFolder(data.media)
        async with PoleLog(data.path, config.pole, key=data.key, clock=clock) as log:
            around = Surroundings(
                log, media, data.eyes,
                lambda: ClockReading("synced", "b00t", clock.monotonic_ns() // 1_000_000),
                lambda: make_id(0),
                command=tuple(command), terms=terms,
            )  # fmt: skip
            eyes = PoleEyes(config, path, around)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(eyes.run())
                try:
                    yield EyePole(data.path, eyes, log)
                finally:
                    eyes.stop()
                    await asyncio.wait([task], timeout=30)
                    task.cancel()
