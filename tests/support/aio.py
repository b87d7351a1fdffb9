"""Runs a coroutine test to its end, within a time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import ParamSpec

_Parameters = ParamSpec("_Parameters")
_PATIENCE_S = 100.0


def run_async(
    test: Callable[_Parameters, Coroutine[object, object, None]],
) -> Callable[_Parameters, None]:
    """Make a plain test of a coroutine; fixtures are passed on."""

    @functools.wraps(test)
    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), _PATIENCE_S))

    return run


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something has come true; the test's own time bounds it."""
    while not condition():  # noqa: ASYNC110 - what is waited for is not ours to signal
        await asyncio.sleep(0.01)
