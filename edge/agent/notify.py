"""Tells the service manager how the agent is: the protocol of sd_notify(3), without its library.

Whoever starts the agent without a service manager has no socket for it, and nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

_US_PER_S = 1_000_000
_ASKED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """The way to the service manager."""

    def __init__(self, address: str = "", *, watchdog_s: float | None = None) -> None:
        """Nothing is sent yet.

        Args:
            address: of a Unix datagram socket: a path, or "@" and an abstract name; else nobody.
            watchdog_s: a service manager that is not told for so long that all is well starts the
                agent anew; None: it does not watch.
        """
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    def send(self, **said: str | int) -> None:
        """Tell it; never waits, and a service manager that takes nothing holds nobody up.

        Args:
            said: READY, STATUS, STOPPING, WATCHDOG and their values; of a text one line is told.
        """
        if not self._address.startswith(("/", "\0")):
            return
        lines = [f"{name}={' '.join(str(value).split())}" for name, value in said.items()]
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
            way.sendto("\n".join(lines).encode(errors="replace"), flags, self._address)


def take_notifier(environment: MutableMapping[str, str] = os.environ) -> Notifier:
    """Find the service manager in the environment, and take it out of there: eyes are not asked.

    Source: sd_notify(3); sd_watchdog_enabled(3): a WATCHDOG_PID that is not ours is another's.
    """
    address, period, pid = (environment.pop(name, "") for name in _ASKED)
    is_ours = period.isascii() and period.isdecimal() and pid in ("", str(os.getpid()))
    watchdog_s = int(period) / _US_PER_S if is_ours and int(period) > 0 else None
    return Notifier(address, watchdog_s=watchdog_s)
