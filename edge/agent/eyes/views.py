"""Live views of an eye: it connects to a Unix socket that only this agent could have made."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

from edge.agent.eyes.asking import Asking
from edge.errors import EyeUnavailable
from edge.model import Json

ACCEPT_S_MAX = 5.0
BUFFER_BYTES = 256 * 1024
"""What is read ahead for one viewer; the eye itself drops for one who is slow."""


@contextlib.asynccontextmanager
async def open_view(
    asking: Asking, form: Literal["jpeg", "fragments"], stream: Literal["main", "sub"]
) -> AsyncIterator[asyncio.StreamReader]:
    """Have an eye send its pictures, until either side hangs up.

    The socket has no name any more once the eye has connected.

    Raises:
        EyeUnavailable: there is no socket to be had, or the eye does not come within 5 s.
        EyeRefused: it says no.
    """
    connection = await _connect(asking, form, stream)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=BUFFER_BYTES)
    try:
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _connect(asking: Asking, form: str, stream: str) -> socket.socket:
    try:
        with (
            # 0700: nobody else can connect, or see that there is a view.
            tempfile.TemporaryDirectory(prefix="pw-", ignore_cleanup_errors=True) as folder,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
        ):
            path = str(Path(folder) / "s")
            listener.bind(path)
            listener.listen(1)
            listener.setblocking(False)
            arguments: dict[str, Json] = {"socket": path, "format": form, "stream": stream}
            await asking.ask("live", arguments, timeout_s=ACCEPT_S_MAX)
            async with asyncio.timeout(ACCEPT_S_MAX):
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            return connection
    except TimeoutError as exc:
        raise EyeUnavailable("the eye did not connect; try again") from exc
    except OSError as exc:
        raise EyeUnavailable(f"no socket for a view ({exc}); check the temporary folder") from exc
