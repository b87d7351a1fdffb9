"""Which camera a request is about, and what of it can be had now."""

from __future__ import annotations

import re

from aiohttp import web

from edge.agent.api.context import POLE
from edge.agent.ports import EyeStatus
from edge.config.model import Camera
from edge.serving.problems import Problem
from edge.serving.routes import CALLER

SHOWING = ("seeing", "dark", "blocked", "defocused", "frozen", "moved")
"""States of an eye that gets pictures now, whatever they show."""
RETRY_AFTER_S = 5
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s,;()]*?(?=:?(?:[\s,;()]|$))")


def find_camera(request: web.Request) -> Camera:
    """Find the camera that the path names.

    Raises:
        Problem: 404, also where there is one that the caller may not see.
    """
    name = request.match_info["name"]
    if request[CALLER].may_see(name):
        for camera in request.app[POLE].config.cameras:
            if camera.name == name:
                return camera
    raise Problem(404, "there is no such camera; /v1/cameras lists those there are")


def require_sight(status: EyeStatus) -> None:
    """Refuse to show as new what is old.

    Raises:
        Problem: 503, the camera gives no pictures now.
    """
    if status.state not in SHOWING:
        reason = without_addresses(status.reason) or "see /v1/health"
        detail = f"camera {status.name} gives no pictures now ({status.state}): {reason}"
        raise Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def without_addresses(reason: str) -> str:
    """Leave out where a camera is: that is for the installer, not for everybody who looks."""
    return _ADDRESS.sub("the camera", reason)
