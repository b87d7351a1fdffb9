"""What an eye's process gives up before it looks at anything: it ends with its parent, has limits.

Linux only; what the unit file of the service adds to it is not known here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal

DATA_BYTES_MAX = 512 * 2**20
"""Writable memory of one eye; RLIMIT_AS would count mapped models and thread stacks too."""
PARENT_GONE = 1
"""Exit code when the parent died before the child could ask to die with it."""
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """End this process by SIGKILL when its parent ends, whatever either of them is doing.

    Args:
        parent_pid: as the parent knew itself before the fork. If it is gone already the signal
            would never come, so the process ends here.

    Source: prctl(2), PR_SET_PDEATHSIG. It follows the parent's thread, not its process: the
        parent must have one thread only.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(PARENT_GONE)


def give_up_privileges() -> None:
    """Let nothing that this process starts gain rights, write a core or take much memory."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = DATA_BYTES_MAX if hard == resource.RLIM_INFINITY else min(DATA_BYTES_MAX, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
