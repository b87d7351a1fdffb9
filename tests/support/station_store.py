"""A station's store to test with, and poles' pages to be kept in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from edge.clock import Clock
from edge.evidence import START_HASH, Link, Sealed, seal
from edge.feeds import ClockReading, Draft, Feed, Life, make_record
from edge.station.config import Station, Store
from edge.station.ports.vault import Batch, CheckedRecord, Wanted
from edge.station.store.station_store import StationStore
from edge.station.store.store_file import StoreSettings
from edge.station.store.writing_thread import Pace
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS, make_draft

STATION = Station(id="station", name="Test")
BRISK = Pace(retry_first_s=0.01, retry_most_s=0.05, probe_s=0.02)
_ENOUGH_DISK = Store(reserve_bytes=16 * 2**20)


def make_store(
    folder: Path,
    *,
    clock: Clock | None = None,
    limits: Store = _ENOUGH_DISK,
    sites: Mapping[str, str | None] | None = None,
    pace: Pace = BRISK,
) -> StationStore:
    """A store, to be entered; its clock stands still unless one is given."""
    used = clock or ManualClock(utc_ms=AT_MS)
    return StationStore(
        folder,
        StoreSettings(STATION, limits, sites or {}),
        clock=used,
        read_clock=lambda: ClockReading("synced", "st4t10n", used.monotonic_ns() // 1_000_000),
        pace=pace,
    )


@dataclass(slots=True)
class PolePages:
    """A pole that is only the pages of its feeds; records are sealed and chained as real ones."""

    name: str = "SG-017"
    epoch: str = "e1"
    links: dict[Feed, Link] = field(default_factory=dict)
    pole_id: str = "SG-017"

    def seal(self, draft: Draft) -> CheckedRecord:
        """The next record of its feed."""
        last = self.link(draft.feed)
        record = make_record(
            draft, Life(self.pole_id, None, self.epoch), seq=last.seq + 1, prev=last.hash
        )
        sealed: Sealed = seal(record)
        link = Link(self.epoch, draft.feed, last.seq + 1, sealed.hash)
        self.links[draft.feed] = link
        return CheckedRecord(link, draft, sealed.body)

    def link(self, feed: Feed) -> Link:
        """Where a feed stands."""
        return self.links.get(feed, Link(self.epoch, feed, 0, START_HASH))

    def page(self, *drafts: Draft, received_ms: int = AT_MS, **fields: Any) -> Batch:
        """A page of one feed that ends with these."""
        records = tuple(self.seal(draft) for draft in drafts)
        return Batch(self.name, records[-1].link, records, received_ms, **fields)

    def branch_off(self) -> PolePages:
        """The same log, to be gone on in another way from here."""
        return replace(self, links=dict(self.links))


def alert_id(number: int) -> str:
    """The id of an alert of tests."""
    return f"01K{number:023d}"


def make_alert(number: int, kind: str = "alert.open", **fields: Any) -> Draft:
    """A record of alert `number`; `ordinal` tells several of them apart."""
    given: dict[str, Any] = {
        "alert": alert_id(number),
        "camera": "yard",
        "kind": kind,
        "severity": "major" if kind == "alert.open" else None,
        "rule": {"type": "fire", "name": "yard-east"},
        **fields,
    }
    ordinal = given.pop("ordinal", 0)
    return make_draft(number * 1000 + _KINDS.index(kind) * 50 + ordinal, **given)


def make_file(number: int, content: bytes, role: str = "clip", **fields: Any) -> Draft:
    """The news of a finished file of alert `number`."""
    sha256 = hashlib.sha256(content).hexdigest()
    item = {
        "role": role,
        "type": "video/mp4" if role == "clip" else "image/jpeg",
        "bytes": len(content),
        "sha256": sha256,
        "href": f"/v1/media/{sha256}",
    }
    data = {"role": role, "from_t": 1.0, "to_t": 2.0}
    return make_alert(
        number, "media.ready", feed="media", media=[item], **{"data": data, "rule": None, **fields}
    )


def make_word(number: int, kind: str, *, by: str = "chen", **data: Any) -> Draft:
    """What somebody at a desk says of alert `number` of SG-017."""
    pole = data.pop("pole", "SG-017")
    ordinal = data.pop("ordinal", 40)
    draft = make_alert(number, kind, camera=None, rule=None, data={"pole": pole, "by": by, **data})
    return replace(draft, id=f"01S{number * 1000 + _KINDS.index(kind) * 50 + ordinal:023d}")


def put_part(store: StationStore, pole: str, content: bytes) -> str:
    """Lay a finished file among the parts, as a transfer does."""
    name = f"{pole}-{hashlib.sha256(content).hexdigest()}.part"
    (store.parts_folder / name).write_bytes(content)
    return name


async def shown(store: StationStore, number: int, pole: str = "SG-017") -> dict[str, Any]:
    """An alert as desks see it."""
    body = await store.alert(pole, alert_id(number))
    assert body is not None
    alert: dict[str, Any] = msgspec.json.decode(body)
    return alert


async def bring(store: StationStore, wanted: Wanted, content: bytes) -> None:
    """Do what a transfer does with a file that has come."""
    await store.keep_file(wanted, put_part(store, wanted.pole, content))


def states(alert: dict[str, Any]) -> list[str]:
    """How far each file of an alert has come."""
    return [each["state"] for each in alert["media"]]


_KINDS = (
    "alert.open", "alert.update", "alert.close", "alert.ack", "alert.resolve", "media.ready",
    "media.gone", "alert.seen", "alert.note", "alert.hold", "alert.limited", "capture", "sight",
)  # fmt: skip
