"""A process that keeps poles' pages and files as fast as they are taken and says what it was told.

`python -m tests.support.keeping_main FOLDER`: one line for each thing that the store said was on
disk, `record POLE FEED SEQ`, `file POLE SHA256` or `word ID`; until killed.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from edge.clock import SystemClock, make_ids
from edge.feeds import Draft
from edge.station.store.station_store import StationStore
from tests.support.station_store import (
    PolePages,
    bring,
    make_alert,
    make_file,
    make_store,
    make_word,
)

POLES = ("P1", "P2", "P3")
_make_id = make_ids(SystemClock())


def _tell(*words: object) -> None:
    sys.stdout.write(f"{' '.join(map(str, words))}\n")
    sys.stdout.flush()


def _fresh(draft: Draft, alert: str) -> Draft:
    """The same for an alert that never was before."""
    return replace(draft, id=_make_id(0), alert=alert)


async def _pull(store: StationStore, name: str) -> None:
    pages = PolePages(name=name, pole_id=name, links=dict(await store.places(name)))
    for _ in itertools.count():
        alert = _make_id(0)
        content = secrets.token_bytes(1 + secrets.randbelow(200_000))
        for drafts in (
            [_fresh(make_alert(1), alert), _fresh(make_alert(1, "alert.update"), alert)],
            [_fresh(make_file(1, content), alert)],
            [_fresh(make_alert(1, "alert.close"), alert)],
        ):
            page = pages.page(*drafts, received_ms=SystemClock().utc_ms())
            await store.keep(page)
            for record in page.records:
                _tell("record", name, record.link.feed, record.link.seq)
        word = make_word(1, "alert.ack", pole=name)
        await store.say([said := _fresh(word, alert)], pass_on=True)
        _tell("word", said.id)
        (wanted,) = [each for each in await store.wanted(name, limit=9) if each.tries == 0][:1]
        if wanted.size_bytes == len(content):
            await bring(store, wanted, content)
            _tell("file", name, wanted.sha256)
        else:  # a kill has taken its content away
            await store.note_try(wanted)


async def _run(path: Path) -> None:
    async with make_store(path, clock=SystemClock()) as store, asyncio.TaskGroup() as group:
        for name in POLES:
            group.create_task(_pull(store, name))


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
