"""Whether the log can go on from a place that a caller names; pure."""

from __future__ import annotations

from edge.feeds import Cursor, Head


def oldest_cursor(epoch: str, oldest: int) -> Cursor:
    """The place from which everything that is still kept can be had.

    Args:
        epoch: of the log.
        oldest: seq of the oldest record kept, from 1; one more than the head where none is.
    """
    return Cursor(epoch, oldest - 1)


def why_gone(cursor: Cursor, epoch: str, head: Head) -> str:
    """Say why a feed can't be read on from a place without a hole; empty where it can.

    Args:
        cursor: what the caller has looked at.
        epoch: of the log as it is.
        head: of the feed, as it is.
    """
    if cursor.epoch != epoch:
        return f"the cursor is of another log; this one is {epoch}"
    if cursor.seq > head.seq:
        return f"the cursor lies beyond the newest record, which is {epoch}.{head.seq}"
    if cursor.seq < head.oldest - 1:
        return f"records after the cursor have left; the oldest one kept is {epoch}.{head.oldest}"
    return ""


def why_not_acked(cursor: Cursor, epoch: str, head: Head) -> str:
    """Say why nobody can have everything up to a place; empty where somebody can."""
    if cursor.epoch != epoch:
        return f"upto is of another log; this one is {epoch}: read the feed again from its oldest"
    if cursor.seq > head.seq:
        return f"upto lies beyond the newest record, which is {epoch}.{head.seq}"
    return ""
