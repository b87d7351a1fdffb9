"""What a webhook is told of a record, and whether it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from edge.feeds import Severity
from edge.station.ports.arrivals import Arrival
from edge.wire import format_utc

_FROM_DESKS = ("alert.ack", "alert.resolve")
_TOLD = ("alert.open", "alert.update", "alert.close", *_FROM_DESKS)


class AlertDesk(Protocol):
    """What is needed of the store to tell of an alert; see `edge.station.ports.desk`."""

    async def alert(self, pole: str, alert: str) -> bytes | None:
        """One alert as JSON."""
        ...

    async def severity(self, pole: str, alert: str, *, before: int) -> Severity | None:
        """What an alert's severity was before the record of a number; None: it had told none."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A record that is news for a webhook; `body` is what is sent."""

    number: int
    received_ms: int
    body: bytes


class _Record(msgspec.Struct):
    kind: str
    alert: str | None
    severity: Severity | None
    data: dict[str, Any]


class _Alert(msgspec.Struct):
    severity: Severity


_record_decoder = msgspec.json.Decoder(_Record)
_alert_decoder = msgspec.json.Decoder(_Alert)
_encoder = msgspec.json.Encoder()


async def make_message(
    arrival: Arrival, *, station: str, severities: Collection[Severity], desk: AlertDesk
) -> Message | None:
    """Make what is told of a record; None where it is no news.

    News are records that open, close, acknowledge or resolve an alert, and updates of its severity,
    where the alert has one of the severities that are asked for, or had it until then.

    Args:
        arrival: of feed `alerts`.
        station: the station's id, under which its own records stand.
        severities: those that the receiver wants.
        desk: for the alert as it is now.

    Raises:
        StoreError: the store can't be read.
    """
    record = _read(arrival.body)
    if record is None or record.alert is None or record.kind not in _TOLD:
        return None
    if record.kind == "alert.update" and record.severity is None:
        return None
    pole = _whose(arrival, record, station)
    alert = await desk.alert(pole, record.alert)
    concerned = {record.severity, _alert_decoder.decode(alert).severity if alert else None}
    if record.kind == "alert.update":
        before = await desk.severity(pole, record.alert, before=arrival.number)
        if record.severity == before:
            return None
        concerned.add(before)
    if concerned.isdisjoint(severities):
        return None
    body = b'{"type":%s,"number":%d,"pole":%s,"received_at":%s,"record":%s,"alert":%s}' % (
        _encoder.encode(record.kind),
        arrival.number,
        _encoder.encode(pole),
        _encoder.encode(format_utc(arrival.received_ms)),
        arrival.body,
        alert or b"null",
    )
    return Message(arrival.number, arrival.received_ms, body)


def _whose(arrival: Arrival, record: _Record, station: str) -> str:
    """The pole whose alert it is; only the station's own words may name another than their own."""
    named = record.data.get("pole")
    is_from_desk = arrival.pole == station and record.kind in _FROM_DESKS
    return named if is_from_desk and isinstance(named, str) else arrival.pole


def _read(body: bytes) -> _Record | None:
    """What is needed of a record; None where it is of another shape: then it is no alert's."""
    try:
        return _record_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
