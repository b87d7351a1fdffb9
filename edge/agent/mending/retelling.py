"""Tells anew, in a new log, what was whole in one that was set aside: alerts, and where files are.

The old records stay where they are, with their hashes and signatures; what is told anew names its
old place (`data.retold`). Of other feeds only the counts are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.reader import open_reader
from edge.agent.mending.quarantine import RETELL_NAME
from edge.agent.mending.salvage import find_records
from edge.agent.ports import Log
from edge.errors import StoreError
from edge.feeds import FEEDS, ClockReading, Draft, Feed
from edge.model import Json
from edge.wire import format_utc, parse_utc

GROUP = 200
RETOLD: tuple[Feed, ...] = ("alerts", "media")
_UNKNOWN = "; how many records it had can't be told any more"
_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Salvage:
    """Whole records of one life of a log, in order, and how many of each feed are not whole.

    `is_known`: the old log still says where its feeds begin and end; else more may be missing.
    """

    epoch: str
    records: tuple[_Record, ...]
    found: dict[str, int]
    missing: dict[str, int]
    is_known: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing for sure."""
        return self.is_known and not any(self.missing.values())


def gather(place: Path) -> Salvage:
    """Gather what is whole of the log in a quarantine.

    Raises:
        OSError: it can't be read.
    """
    by_place: dict[tuple[str, str, int], _Record] = {}
    for name in (LOG_NAME, f"{LOG_NAME}-wal"):
        for record in find_records(place / name):
            fields: _Record = dict(record)
            if fields.get("feed") in FEEDS:
                by_place[fields["epoch"], fields["feed"], fields["seq"]] = fields
    epochs = Counter(epoch for epoch, _, _ in by_place)
    spans = _read_spans(place)
    ((epoch, _),) = epochs.most_common(1) or [("", 0)]
    kept: dict[str, dict[int, _Record]] = {feed: {} for feed in FEEDS}
    for (life, feed, seq), record in by_place.items():
        if life == epoch and seq >= spans.get(feed, (1, 0))[0]:
            kept[feed][seq] = record
    missing = {}
    for feed, records in kept.items():
        oldest, newest = spans.get(feed) or (min(records, default=1), max(records, default=0))
        missing[feed] = max(0, newest - oldest + 1 - len(records))
    return Salvage(
        epoch,
        tuple(kept[feed][seq] for feed in RETOLD for seq in sorted(kept[feed])),
        {feed: len(records) for feed, records in kept.items()},
        missing,
        bool(spans),
    )


async def tell_anew(place: Path, log: Log, make_draft: Callable[..., Draft]) -> Salvage:
    """Put the whole alerts and files of a set-aside log into the new one, each once.

    Args:
        place: where the old one lies; its mark goes when all is on disk.
        log: the new one.
        make_draft: makes a record of now.

    Raises:
        OSError, StoreError: it can't be read, or the new log does not take it.
    """
    salvage = await asyncio.to_thread(gather, place)
    done = await _find_told(log)
    drafts = [
        _retell(record, salvage.epoch, make_draft)
        for record in salvage.records
        if f"{salvage.epoch}.{record['seq']} {record['feed']}" not in done
    ]
    if not salvage.is_whole and f"{salvage.epoch} alerts" not in done:
        drafts.append(_make_loss(salvage, make_draft))
    for begin in range(0, len(drafts), GROUP):
        await log.append(drafts[begin : begin + GROUP])
    (place / RETELL_NAME).unlink(missing_ok=True)
    return salvage


async def _find_told(log: Log) -> set[str]:
    """Which places an agent before this one has told anew before it was cut off."""
    done = set()
    for feed in RETOLD:
        after, has_more = 0, True
        while has_more:
            page = await log.page(feed, after=after, limit=1000, cameras=None)
            after, has_more = page.next_seq, page.has_more
            done |= {f"{place} {feed}" for place in _retold_in(page.bodies)}
    return done


def _retold_in(bodies: Iterable[bytes]) -> Iterable[str]:
    for body in bodies:
        place = json.loads(body)["data"].get("retold")
        if isinstance(place, str):
            yield place


def _retell(record: _Record, epoch: str, make_draft: Callable[..., Draft]) -> Draft:
    fresh = make_draft(record["feed"], record["kind"])
    clock = record["clock"]
    return replace(
        fresh, at_ms=parse_utc(record["at"]),
        clock=ClockReading(clock["state"], clock["boot"], clock["mono_ms"]),
        severity=record["severity"], camera=record["camera"], alert=record["alert"],
        rule=record["rule"], data={**record["data"], "retold": f"{epoch}.{record['seq']}"},
        where=record["where"], media=record["media"], is_test=record["test"],
    )  # fmt: skip


def _make_loss(salvage: Salvage, make_draft: Callable[..., Draft]) -> Draft:
    times = [parse_utc(record["at"]) for record in salvage.records]
    kinds: dict[str, Json] = {feed: count for feed, count in salvage.missing.items() if count}
    data: dict[str, Json] = {
        "what": "records",
        "count": sum(salvage.missing.values()),
        "kinds": kinds,
        "from": format_utc(min(times, default=0)),
        "to": format_utc(max(times, default=0)),
        "reason": "the log was damaged" + ("" if salvage.is_known else _UNKNOWN),
        "retold": salvage.epoch,
    }
    return make_draft("alerts", "loss", severity="major", data=data)


def _read_spans(place: Path) -> dict[str, tuple[int, int]]:
    """Oldest and newest place of each feed as the damaged log says, where it still can."""
    with contextlib.suppress(StoreError, OSError), open_reader(place) as reader:
        return {feed: (head.oldest, head.seq) for feed, head in reader.heads().items()}
    return {}
