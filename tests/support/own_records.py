"""What a station says of itself, as its store has it."""

from __future__ import annotations

import json
from typing import Any

from edge.station.ports.desk import Asked
from edge.station.store.station_store import StationStore
from tests.support.station_store import STATION


async def own_alerts(store: StationStore) -> dict[str, dict[str, Any]]:
    """The station's own alerts by the name of their rule; no two of a name may be there."""
    page = await store.alerts(Asked(pole=STATION.id, state="all"), after=None, limit=100)
    alerts = [json.loads(body) for body in page.bodies]
    names = [each["rule"]["name"] for each in alerts]
    assert len(set(names)) == len(names), names
    return dict(zip(names, alerts, strict=True))
