"""The station's description of its API: the file beside this one."""

from __future__ import annotations

import functools

from edge.serving import description


@functools.cache
def load_description() -> bytes:
    """Read the description, once: it is part of the program."""
    assert __package__ is not None
    return description.load_description(__package__)


ROUTES = (
    description.describe(
        load_description, "it is the same on every station and says nothing of this one"
    ),
)
