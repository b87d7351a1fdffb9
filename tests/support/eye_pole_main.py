"""The eyes of a pole as a process that can be killed: `eye_pole_main FOLDER CAMERA…`.

It prints a line when it runs, and ends in order at the end of its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from edge.agent.eyes.pole_eyes import Terms
from tests.support.eye_pole import running


async def run(folder: Path, names: list[str]) -> None:
    """Run until standard input ends."""
    async with running(folder, names, terms=Terms(sweep_after_s=0.5)):
        sys.stdout.write("running\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2:]))
