"""Files of a real pole, fetched by real transfers into a real store, with a spoiler between."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite, Store
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.pulling.contact import Contacts, PoleContact
from edge.station.pulling.file_list import Waits
from edge.station.pulling.pole_client import HttpPoleClient
from edge.station.pulling.slots import Slots
from edge.station.pulling.transfers import Transfers, Yard
from edge.station.store.station_store import StationStore
from edge.supervise import Passing
from tests.support.bad_pole import BadPole, bad_pole
from tests.support.served_pole import ServedPole, read_clock, serve_pole
from tests.support.station_store import PolePages, alert_id, make_alert, make_file, make_store

POLE = "SG-017"
BRISK = Waits(
    ack_s=0.02, report_s=0.02, look_s=0.2, link_s=0.02, again_s=0.02, held_s=0.05,
    refused_s=0.05, longest_s=0.1, forgive_s=0.0,
)  # fmt: skip
ROOMY = Store(reserve_bytes=16 * 2**20)


@dataclass
class PulledFiles:
    """What a test does with it."""

    pole: ServedPole
    bad: BadPole
    store: StationStore
    contact: PoleContact
    transfers: Transfers
    client: HttpPoleClient
    pages: PolePages = field(default_factory=PolePages)

    async def offer(self, number: int, content: bytes, role: str = "clip", **fields: Any) -> str:
        """Let the pole have a file of a new alert, and the station know of it; its hash."""
        await self.pole.keep_media(content, alert=alert_id(number))
        await self.want(number, content, role, **fields)
        return hashlib.sha256(content).hexdigest()

    async def want(self, number: int, content: bytes, role: str = "clip", **fields: Any) -> None:
        """Let the station know of a file, whether the pole has it or not."""
        received_ms = 1_795_368_785_120 + number * 1000
        await self.store.keep(self.pages.page(make_alert(number), received_ms=received_ms))
        file = make_file(number, content, role, **fields)
        await self.store.keep(self.pages.page(file, received_ms=received_ms))
        self.transfers.wake()

    async def state(self, number: int) -> tuple[str, str]:
        """How far an alert's only file has come, and the reason."""
        body = await self.store.alert(POLE, alert_id(number))
        assert body is not None
        (file,) = json.loads(body)["media"]
        return file["state"], file["reason"]

    async def wait_for(self, number: int, state: str) -> str:
        """Wait until it has come so far; the reason."""
        while True:
            now, reason = await self.state(number)
            if now == state:
                return reason
            await asyncio.sleep(0.01)

    async def kept(self, sha256: str) -> bytes | None:
        """What the station has under a hash."""
        found = await self.store.find_media(POLE, sha256)
        return None if found is None else found.path.read_bytes()

    async def wait_until_confirmed(self) -> None:
        """Wait until the pole has been told of every file that is here."""
        while await self.store.unacked_files(POLE, limit=1):  # noqa: ASYNC110 - nobody signals it
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Fetch for the block."""
        task = asyncio.ensure_future(self.transfers.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def pulled_files(
    folder: Path,
    *,
    station: Path | None = None,
    limits: Store = ROOMY,
    waits: Waits = BRISK,
    threads: Executor | None = None,
) -> AsyncIterator[PulledFiles]:
    """Build all of it in a folder; the station's own may lie elsewhere."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    async with (
        serve_pole(folder / "pole") as pole,
        bad_pole(pole.address) as bad,
        make_store(station or folder / "station", limits=limits) as store,
    ):
        token = folder / "token"
        token.write_text(pole.token("station")["Authorization"].removeprefix("Bearer "))
        token.chmod(0o600)
        site = PoleSite(name=POLE, url=bad.url, token_file=str(token))
        passing = Passing()
        contact = Contacts({POLE: None}, passing.clock).of(POLE)
        own = OwnAlerts(store, Pen(passing.clock, read_clock))
        yard = Yard(store.parts_folder, Slots(), own, passing, waits, threads)
        async with HttpPoleClient(site, ClientContexts(None)) as client:
            transfers = Transfers(client, store, contact, yard)
            yield PulledFiles(pole, bad, store, contact, transfers, client)
