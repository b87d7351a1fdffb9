"""What waits in the kernel to be sent on a connection, and how much of it a thin link can bear."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from dataclasses import dataclass

AHEAD_S = 0.5
"""How far ahead of the link its queue may be filled: so long an alert waits behind it."""
ROOM_BYTES_MIN = 2 * 1024
ROOM_BYTES_MAX = 4 * 2**20
_FIRST_BYTES = 16 * 1024
"""While the link's rate is not known: what TCP sends at first anyway."""
_INFO_BYTES = 192
_MIN_RTT_AT = 148
_DELIVERY_RATE_AT = 160
_BYTES_ACKED_AT = 120
"""Where `struct tcp_info` of linux/tcp.h has them, since Linux 4.9; never moved."""


@dataclass(frozen=True, slots=True)
class SendQueue:
    """One look at a connection.

    Attributes:
        queued_bytes: handed over and not yet confirmed by the other side.
        acked_bytes: confirmed, of the connection in all.
        rate_bytes_s: what the link has lately taken; 0: not known.
        rtt_s: the shortest round trip seen.
    """

    queued_bytes: int
    acked_bytes: int
    rate_bytes_s: int
    rtt_s: float

    @property
    def room_bytes(self) -> int:
        """How much more may be handed over now; below zero: it is too full already."""
        if not self.rate_bytes_s:
            return _FIRST_BYTES - self.queued_bytes
        bearable = int(self.rate_bytes_s * (AHEAD_S + self.rtt_s))
        return max(ROOM_BYTES_MIN, min(ROOM_BYTES_MAX, bearable)) - self.queued_bytes


def look(transport: asyncio.BaseTransport) -> SendQueue | None:
    """Look at a connection; None where it is gone, or is none of TCP."""
    connected = transport.get_extra_info("socket")
    if connected is None:
        return None
    try:
        unsent = fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        info = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except (OSError, ValueError):
        return None
    waiting_bytes = 0
    if isinstance(transport, asyncio.WriteTransport):
        waiting_bytes = transport.get_write_buffer_size()
    (in_kernel,) = struct.unpack("=i", unsent)
    (acked_bytes,) = struct.unpack_from("=Q", info, _BYTES_ACKED_AT)
    (rtt_us,) = struct.unpack_from("=I", info, _MIN_RTT_AT)
    (rate,) = struct.unpack_from("=Q", info, _DELIVERY_RATE_AT)
    rtt_s = 0.0 if rtt_us == _NEVER else rtt_us / 1_000_000
    return SendQueue(in_kernel + waiting_bytes, acked_bytes, rate, rtt_s)


_NEVER = 2**32 - 1
"""A round trip that was not measured yet."""
