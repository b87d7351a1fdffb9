"""Feeds the service manager's watchdog while every part of the agent goes on, and not otherwise.

It is fed from the event loop, whose turning it so proves. What a restart can't mend is none of its
business: a camera that is not seen, a disk that takes nothing. Those are alerts and health.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NoReturn

from edge.agent.notify import Notifier

FEEDS_IN_A_PERIOD = 4
"""Of the watchdog's period; sd_watchdog_enabled(3) wants two at least."""
LOOK_S = 4.0
"""Where no watchdog is: a part that hangs is logged all the same."""

_log = logging.getLogger(__name__)


async def watch(notifier: Notifier, read_late: Callable[[], Mapping[str, float]]) -> NoReturn:
    """Feed the watchdog until cancelled; where a part hangs, ask for the restart at once.

    Args:
        notifier: the way to the service manager.
        read_late: for how many seconds each part has been late with what it promised, by its name;
            0 while it goes on.
    """
    period_s = notifier.watchdog_s
    every_s = LOOK_S if period_s is None else min(LOOK_S, period_s / FEEDS_IN_A_PERIOD)
    told = ""
    while True:
        stuck = find_stuck(read_late())
        if not stuck:
            notifier.send(WATCHDOG=1)
        elif stuck != told:
            _log.critical("the agent hangs and is to be started again: %s", stuck)
            notifier.send(WATCHDOG="trigger", STATUS=f"hangs: {stuck}")
        told = stuck
        await asyncio.sleep(every_s)


def find_stuck(late_s: Mapping[str, float]) -> str:
    """Name the parts that are late, in one line; empty: every one goes on."""
    return ", ".join(name for name, seconds in late_s.items() if seconds > 0)
