"""What a source is blamed for."""

from __future__ import annotations

import errno

import av
import pytest

from edge.errors import SourceUnreachable
from edge.eye.sources.refusals import Opening, explain_open, explain_read

ROAD = Opening("rtsp://viewer:secret-word@10.0.0.11/main", "road", is_live=True)


def test_want_of_memory_is_no_fault_of_the_source_and_shows_no_password() -> None:
    exc = av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory", ROAD.url)
    with pytest.raises(MemoryError, match="road: no memory left") as read:
        explain_read(exc, ROAD)
    with pytest.raises(MemoryError) as opened:
        explain_open(exc, ROAD, log=[], took_s=0.1)
    assert "secret-word" not in f"{read.value!r} {opened.value!r}"


def test_network_that_is_gone_is() -> None:
    exc = av.error.OSError(errno.EHOSTUNREACH, "No route to host", ROAD.url)
    assert isinstance(explain_read(exc, ROAD), SourceUnreachable)
