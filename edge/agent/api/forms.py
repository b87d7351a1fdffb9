"""The forms in which a page of records can be had, by `Accept`; pure.

The bytes of a record are joined as they are stored, never made anew: a caller can check hashes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

Form = Literal["application/json", "application/x-ndjson", "application/cloudevents-batch+json"]
JSON: Form = "application/json"
LINES: Form = "application/x-ndjson"
EVENTS: Form = "application/cloudevents-batch+json"
_OFFERS: tuple[Form, ...] = (JSON, LINES, EVENTS)
_WEIGHT = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.IGNORECASE)
_ACCEPT_READ_MAX = 1000
"""Characters; what browsers send is below 200."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a page says of itself, in any form: cursors as text, and whether there is more."""

    next: str
    oldest: str
    has_more: bool


class _Named(msgspec.Struct):
    """Of a record what an event's envelope repeats."""

    id: str
    pole: str
    feed: str
    kind: str
    at: str


_naming = msgspec.json.Decoder(_Named)
_encoder = msgspec.json.Encoder()


def choose_form(accept: str) -> Form:
    """Choose what a caller likes best; plain JSON where it has no wish that can be met.

    Args:
        accept: the header's value, or empty.

    Source: RFC 9110 §12.5.1, without parameters other than q.
    """
    if not accept or accept == "*/*":
        return JSON
    wishes = _read_wishes(accept[:_ACCEPT_READ_MAX].lower())
    best = max(_OFFERS, key=lambda offer: _weigh(offer, wishes))
    return best if _weigh(best, wishes) > 0 else JSON


def encode_page(form: Form, bodies: Sequence[bytes], extent: Extent) -> bytes:
    """Join a page; `extent` stands in it only in plain JSON, else it belongs in headers."""
    if form == LINES:
        return b"".join(body + b"\n" for body in bodies)
    if form == EVENTS:
        return b"[" + b",".join(map(_wrap, bodies)) + b"]"
    tail = b'],"more":%s,"next":"%s","oldest":"%s"}' % (
        b"true" if extent.has_more else b"false",
        extent.next.encode(),
        extent.oldest.encode(),
    )
    return b'{"items":[' + b",".join(bodies) + tail


def _wrap(body: bytes) -> bytes:
    """Make a CloudEvent of a record; its data are the record's own bytes.

    Source: CloudEvents 1.0.2, JSON event format, §3 and §4.
    """
    record = _naming.decode(body)
    event = {
        "specversion": "1.0",
        "id": record.id,
        "source": f"/poles/{record.pole}/{record.feed}",
        "type": record.kind,
        "time": record.at,
        "datacontenttype": "application/json",
        "data": msgspec.Raw(body),
    }
    return _encoder.encode(event)


def _read_wishes(accept: str) -> dict[str, float]:
    """Read media ranges and their weights; what can't be understood counts as not there."""
    wishes = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((found[1] for p in parameters if (found := _WEIGHT.fullmatch(p))), "1")
        wishes[name] = float(weight)
    return wishes


def _weigh(offer: Form, wishes: dict[str, float]) -> float:
    """The weight of an offer: the most exact range that covers it decides."""
    return next((wishes[n] for n in (offer, "application/*", "*/*") if n in wishes), 0.0)
