"""What a camera may say of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.api.camera_asked import require_sight, without_addresses
from edge.agent.ports import EyeState
from edge.serving.problems import Problem
from tests.support.fake_eyes import make_status


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("rtsp://10.0.0.11/main: nobody answers", "the camera: nobody answers"),
        ("rtsp://admin:pw@10.0.0.11:554/a/b?c=1: check it", "the camera: check it"),
        (
            "RTSPS://[fe80::1]:322/x, and http://cam.local/y; look",
            "the camera, and the camera; look",
        ),
        ("the camera refuses name or password", "the camera refuses name or password"),
        ("", ""),
    ],
)
def test_reason_names_no_address(reason: str, shown: str) -> None:
    assert without_addresses(reason) == shown


@given(st.text(st.characters(codec="utf-8", exclude_characters=" ,;()\t\n\r"), max_size=30))
def test_no_host_stays_whatever_follows_it(path: str) -> None:
    assert "10.0.0.11" not in without_addresses(f"rtsp://10.0.0.11/{path} fails")


@pytest.mark.parametrize("state", ["lost", "silent", "down", "refused", "starting"])
def test_no_picture_is_shown_as_new_when_none_comes(state: EyeState) -> None:
    status = replace(make_status("yard"), state=state, reason="rtsp://10.0.0.11/a: no answer")
    with pytest.raises(Problem, match=rf"now \({state}\): the camera: no answer"):
        require_sight(status)


@pytest.mark.parametrize("state", ["seeing", "dark", "frozen", "blocked"])
def test_pictures_are_shown_whatever_is_on_them(state: EyeState) -> None:
    require_sight(replace(make_status("yard"), state=state))
