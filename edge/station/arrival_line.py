"""A record as those outside get it: one line of JSON."""

from __future__ import annotations

import msgspec

from edge.station.ports.arrivals import Arrival
from edge.wire import format_utc


def encode_line(arrival: Arrival) -> bytes:
    """Write one line: `number`, `received_at`, `pole`, and `record` to the byte as it is kept."""
    return b'{"number":%d,"received_at":"%s","pole":%s,"record":%s}\n' % (
        arrival.number,
        format_utc(arrival.received_ms).encode(),
        msgspec.json.encode(arrival.pole),
        arrival.body,
    )
