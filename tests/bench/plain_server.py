"""What others would write: the same items as dictionaries in memory, `web.json_response`.

    python -m tests.bench.plain_server FILE

FILE holds a JSON object, path → answer. Prints its address, ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from edge.serving.routes import Handler


@dataclass(frozen=True)
class Plain:
    """A plain server that has been started."""

    address: str
    pid: int


@contextmanager
def run_plain_server(file: Path) -> Iterator[Plain]:
    """Run it for the block."""
    command = [sys.executable, "-m", "tests.bench.plain_server", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Plain(process.stdout.readline().decode().strip(), process.pid)
        finally:
            process.stdin.close()
            process.wait(20)


def _answer_with(answer: dict[str, Any]) -> Handler:
    async def give(_request: web.Request) -> web.Response:
        return web.json_response(answer)

    return give


async def _serve(answers: dict[str, Any]) -> None:
    app = web.Application()
    for path, answer in answers.items():
        app.router.add_get(path, _answer_with(answer))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"{host}:{port}", flush=True)  # noqa: T201 - it is what it gives
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_bytes())))
