"""What the kernel says a thread of this process is doing."""

from __future__ import annotations

from pathlib import Path

_HELD = "D"


def is_held_by_kernel(thread_id: int) -> bool:
    """Whether a thread waits in the kernel for a device, where no signal reaches it.

    Args:
        thread_id: as `threading.get_native_id` gives it; one that has ended is not held.

    Source: proc_pid_stat(5), state D; the name before it may hold brackets of its own.
    """
    try:
        text = Path(f"/proc/self/task/{thread_id}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] == _HELD
