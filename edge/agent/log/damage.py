"""A log found to be damaged while it is used: it goes no further, and the next start knows."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from edge.agent.log.log_file import DAMAGED_NAME
from edge.errors import LogDamaged


class Damage:
    """What is known of it; for one event loop."""

    def __init__(self, folder: Path) -> None:
        """None is known."""
        self._folder = folder
        self._found: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(self, exc: LogDamaged) -> None:
        """Keep that there is some: the log is set aside at the next start."""
        with contextlib.suppress(OSError):
            (self._folder / DAMAGED_NAME).touch(mode=0o600)
        if not self._found.done():
            self._found.set_exception(exc)

    async def wait(self) -> None:
        """Wait until some is found.

        Raises:
            LogDamaged: always.
        """
        await asyncio.shield(self._found)
