"""A bad IP link between two network namespaces: slow, late, losing packets, going down and up.

with bad_link(Quality(bytes_per_s=8000, delay_s=0.15, loss=0.1)) as link:
    with link.at_pole():      # sockets made in here are at POLE
        ...

Packets pass from one TUN device to the other through a thread of this process. Needs root; nothing
outside the two namespaces is touched.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

POLE, STATION = "10.77.0.1", "10.77.0.2"
_PACKET_BYTES_MAX = 65_536
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_OWN = Path("/proc/thread-self/ns/net")
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Quality:
    """How the link is now; may be changed while it is in use.

    `delay_s` is one way, `loss` the share of packets that never arrive, each way. `queue_bytes` is
    what waits at its slow end before packets are dropped, as in a modem.
    """

    bytes_per_s: float | None = None
    delay_s: float = 0.0
    loss: float = 0.0
    queue_bytes: int = 64 * 1024
    is_up: bool = True


@dataclass
class _Way:
    """One direction."""

    from_tun: int
    to_tun: int
    free_s: float = 0.0
    arrived_bytes: int = 0


@dataclass
class BadLink:
    """Two namespaces, and what passes between them."""

    quality: Quality
    spaces: dict[str, int]
    ways: dict[str, _Way]
    chance: random.Random
    _ending: threading.Event = field(default_factory=threading.Event)
    _waiting: list[tuple[float, int, _Way, bytes]] = field(default_factory=list)
    _count: int = 0

    @property
    def arrived_bytes(self) -> int:
        """What has come from the pole's end, with the headers of IP and TCP."""
        return self.ways[POLE].arrived_bytes

    @contextmanager
    def at(self, address: str) -> Iterator[None]:
        """Have this thread's new sockets at one end within the block."""
        own = os.open(_OWN, os.O_RDONLY)
        try:
            _enter(self.spaces[address])
            yield
        finally:
            _enter(own)
            os.close(own)

    def run(self) -> None:
        """Pass packets on until told to end."""
        by_tun = {way.from_tun: way for way in self.ways.values()}
        while not self._ending.is_set():
            now_s = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now_s:
                _, _, way, packet = heapq.heappop(self._waiting)
                os.write(way.to_tun, packet)
            due_s = self._waiting[0][0] - now_s if self._waiting else 0.05
            for tun in select.select(list(by_tun), [], [], min(0.05, max(0.0, due_s)))[0]:
                self._take(by_tun[tun], os.read(tun, _PACKET_BYTES_MAX))

    def end(self) -> None:
        """Stop `run`."""
        self._ending.set()

    def _take(self, way: _Way, packet: bytes) -> None:
        quality, now_s = self.quality, time.monotonic()
        if not quality.is_up or self.chance.random() < quality.loss:
            return
        due_s = now_s
        if quality.bytes_per_s:
            way.free_s = max(way.free_s, now_s)
            if (way.free_s - now_s) * quality.bytes_per_s > quality.queue_bytes:
                return
            way.free_s += len(packet) / quality.bytes_per_s
            due_s = way.free_s
        self._count += 1
        way.arrived_bytes += len(packet)
        heapq.heappush(self._waiting, (due_s + quality.delay_s, self._count, way, packet))


@contextmanager
def bad_link(quality: Quality, *, seed: int = 20_261_124) -> Iterator[BadLink]:
    """Lay a link for the block; the test is skipped where this machine lets nobody do so."""
    if os.geteuid() or not Path("/dev/net/tun").exists() or shutil.which("ip") is None:
        pytest.skip("laying a bad link needs root, /dev/net/tun and iproute2")
    with ExitStack() as stack:
        spaces, tuns = {}, {}
        for address in (POLE, STATION):
            spaces[address], tuns[address] = _make_space(address)
            stack.callback(os.close, spaces[address])
            stack.callback(os.close, tuns[address])
        ways = {
            POLE: _Way(tuns[POLE], tuns[STATION]),
            STATION: _Way(tuns[STATION], tuns[POLE]),
        }
        link = BadLink(quality, spaces, ways, random.Random(seed))
        passing = threading.Thread(target=link.run, name="bad-link")
        passing.start()
        stack.callback(passing.join)
        stack.callback(link.end)
        yield link


def _make_space(address: str) -> tuple[int, int]:
    """Make a namespace with a TUN device that has this address; it goes with the last descriptor.

    A thread that ends leaves no trace: the namespace it was in is held by the descriptors alone.
    """
    made: list[int] = []

    def make() -> None:
        if _LIBC.unshare(_CLONE_NEWNET):
            return
        tun = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"link0", _IFF_TUN_NO_PI))
        for words in (
            f"addr add {address}/30 dev link0", "link set link0 mtu 1400 up", "link set lo up",
        ):  # fmt: skip
            subprocess.run(["ip", *words.split()], check=True, timeout=10)
        made.extend((os.open(_OWN, os.O_RDONLY), tun))

    maker = threading.Thread(target=make)
    maker.start()
    maker.join()
    if not made:
        pytest.skip("this machine makes no network namespaces")
    space, tun = made
    return space, tun


def _enter(space: int) -> None:
    if _LIBC.setns(space, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
