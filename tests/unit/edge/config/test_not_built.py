"""What a configuration may ask for before its time."""

from __future__ import annotations

from typing import Any

import pytest

from edge.config.not_built import find_not_built

PLAIN: dict[str, Any] = {
    "kind": "visible",
    "watch": True,
    "privacy": (),
    "sources": ("rtsp://10.0.0.1/a", None),
}


def test_plain_camera_asks_for_nothing_that_is_not_built() -> None:
    assert find_not_built("camera[0]", kind=None, watch=None, privacy=None, sources=(None,)) == []
    assert find_not_built("camera[0]", **PLAIN) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"privacy": (((0, 0), (1, 0), (1, 1)),)}, "camera[0].privacy"),
        ({"watch": False}, "camera[0].watch"),
        ({"kind": "thermal"}, "camera[0].kind"),
        ({"kind": "both"}, "camera[0].kind"),
        ({"sources": ("isapi://10.0.0.1/x",)}, "camera[0].main"),
        ({"sources": ("SIM:trailer-night",)}, "camera[0].main"),
    ],
)
def test_each_thing_not_built_is_named_with_its_key(change: dict[str, Any], path: str) -> None:
    found = find_not_built("camera[0]", **(PLAIN | change))
    assert [fault.path for fault in found] == [path]
    assert found[0].remedy
