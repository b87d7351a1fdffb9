"""Why an eye of this configuration will not start, in one line."""

from __future__ import annotations

from pathlib import Path

from edge.config.load import find_camera, load_config, load_credentials
from edge.config.model import Camera
from edge.config.not_built import find_not_built
from edge.errors import ValidationError


def find_unbuilt(camera: Camera) -> str:
    """Say what a camera asks for that this version can't do; empty where there is nothing."""
    asked = {
        "kind": camera.kind, "watch": camera.watch, "privacy": camera.privacy,
        "main": camera.main, "sub": camera.sub,
    }  # fmt: skip
    return "; ".join(map(str, find_not_built(f"camera {camera.name}", asked)))


def find_refusal(config_path: Path, name: str) -> str:
    """Say what an eye that ended with exit code 2 most likely found wrong.

    Args:
        config_path: the file that the eye was given; it may have changed since the agent's start.
        name: the camera's.
    """
    try:
        camera = find_camera(load_config(config_path).cameras, name)
        if camera.credentials is not None:
            load_credentials(config_path.parent / camera.credentials)
    except ValidationError as exc:
        return str(exc).replace("\n", "; ")
    return find_unbuilt(camera) or "the eye refuses its settings; its words stand in the log"
