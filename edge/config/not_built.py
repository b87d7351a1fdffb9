"""What a sound configuration may ask for and this version can't do yet; each line goes in time."""

from __future__ import annotations

from collections.abc import Mapping

from edge.config.checks import LATER_SCHEMES, quote
from edge.errors import Fault
from edge.labels import GIVEN
from edge.model import LABELS, VEHICLE_LABELS


def find_not_built(path: str, camera: Mapping[str, object]) -> list[Fault]:
    """Say why an eye of this version refuses a camera.

    Args:
        path: where the camera stands, as `camera[0]`.
        camera: its table; keys may be missing and values wrong.
    """
    found: list[Fault] = []

    def refuse(key: str, reason: str, remedy: str) -> None:
        problem = f"this camera will not start in this version: {reason}"
        found.append(Fault(f"{path}.{key}", problem, remedy))

    if camera.get("privacy"):
        refuse("privacy", "masks can't be burnt in", "leave it out if all may be stored and shown")
    if camera.get("kind") in ("thermal", "both"):
        refuse("kind", "it reads no temperatures", 'use kind = "visible"')
    for key in ("main", "sub"):
        source = camera.get(key)
        scheme = source.partition(":")[0].lower() if isinstance(source, str) else ""
        if scheme in LATER_SCHEMES:
            reason = f"it has no {quote(scheme)} sources"
            refuse(key, reason, "use rtsp://, http://, v4l2: or a file")
    return found


def find_idle_labels(path: str, labels: object) -> list[Fault]:
    """Say which labels of one rule nothing is ever given in this version.

    Args:
        path: where the rule stands, as `rule[0]`.
        labels: as the file has them; None where they are not given. Unknown ones are passed over.
    """
    named = [label for label in labels if label in LABELS] if isinstance(labels, list) else []
    idle = [label for label in named if label not in GIVEN]
    if not idle:
        return []
    problem = f"nothing is labelled {', '.join(idle)} in this version"
    if idle == named:
        problem += ", so the rule never opens an alert"
    is_vehicle = any(label in VEHICLE_LABELS for label in idle)
    remedy = 'trucks, buses and motorcycles come as "vehicle" or "car"' if is_vehicle else ""
    return [Fault(f"{path}.labels", problem, remedy or "leave it out")]
