"""How the C library keeps freed memory: for a process that holds large pictures for short times."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
MMAP_BYTES = 768 * 1024
"""Anything larger is given back as soon as it is freed. A 1080p frame is 3 MB; left to itself glibc
raises this limit to the largest block ever freed, and frames leave holes in the heap for good."""
ARENAS_MAX = 2


def keep_heap_small() -> None:
    """Set glibc's limits; other C libraries have none of these and are left as they are.

    Measured on 1080p H.264 at 15 fps: about 14 of an eye's 61 MiB of private memory are saved, CPU
    unchanged (docs/design/fork-server.md).

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, MMAP_BYTES)
    mallopt(_M_TRIM_THRESHOLD, MMAP_BYTES)
    mallopt(_M_ARENA_MAX, ARENAS_MAX)
