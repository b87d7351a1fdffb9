"""The cameras that the bench weighs are ones that the configuration accepts."""

from __future__ import annotations

import tomllib
from pathlib import Path

from edge.bench.crowd import crowd_settings


def test_each_camera_has_a_ring_of_15_mib_and_pre_roll_to_fill_it() -> None:
    settings = tomllib.loads(crowd_settings(Path('a "quoted" \\ name.mp4'), 2))
    assert [camera["name"] for camera in settings["camera"]] == ["c0", "c1"]
    for camera in settings["camera"]:
        assert camera["main"] == 'a "quoted" \\ name.mp4'
        assert camera["ring_bytes"] == 15 * 2**20
        assert camera["pre_roll_s"] == 60
