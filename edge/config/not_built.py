"""What a sound configuration may ask for and this version can't do yet; each line goes in time."""

from __future__ import annotations

from collections.abc import Iterable

from edge.config.checks import LATER_SCHEMES, quote
from edge.errors import Fault
from edge.labels import GIVEN
from edge.model import LABELS, VEHICLE_LABELS


def find_not_built(
    path: str, *, kind: object, watch: object, privacy: object, sources: Iterable[object]
) -> list[Fault]:
    """Say what of one camera's settings an eye of this version refuses.

    Args:
        path: where the camera stands, as `camera[0]`.
        kind: as the file has it; None where it is not given. The same holds for the others.
        watch: false asks for a camera that is only kept and shown.
        privacy: polygons never stored or shown.
        sources: its main and sub stream.
    """
    found = []
    if privacy:
        remedy = "the camera will refuse ring, clip, snapshot and live"
        found.append(Fault(f"{path}.privacy", "this version can't burn masks in", remedy))
    if watch is False:
        remedy = "leave it out, or wait for the agent"
        found.append(Fault(f"{path}.watch", "this version watches every camera", remedy))
    if kind in ("thermal", "both"):
        remedy = 'use kind = "visible"'
        found.append(Fault(f"{path}.kind", "this version has no thermal cameras", remedy))
    for source in sources:
        scheme = source.partition(":")[0].lower() if isinstance(source, str) else ""
        if scheme in LATER_SCHEMES:
            problem = f"{quote(scheme)} sources are not in this version"
            found.append(Fault(f"{path}.main", problem, "use rtsp://, v4l2: or a file"))
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
