"""Answers without an end: they last while we serve and their reader is there.

Who stalls or leaves is cut off and his answer cancelled by the server (`connection.py`).
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from edge.serving.polls import POLLS


@asynccontextmanager
async def while_served(request: web.Request) -> AsyncIterator[None]:
    """Run the block, and leave it quietly once we stop or its reader turns out to have left."""
    try:
        async with request.app[POLLS].wait(math.inf):
            yield
    except (TimeoutError, ConnectionError):
        return
