"""A real pole at one end of a bad link and the pulling half of a station at the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.station.config import PoleSite
from edge.station.pulling.answer import Limits
from tests.support.bad_link import POLE, STATION, BadLink, Quality, bad_link
from tests.support.pulling_station import PullingStation, pulling
from tests.support.served_pole import ServedPole, serve_pole

NAME = "SG-017"


@dataclass
class Far:
    """What a test does with both."""

    folder: Path
    link: BadLink
    pole: ServedPole
    station: PullingStation

    async def pull(self) -> None:
        """Begin to pull."""
        header = self.pole.token("station", "read", "pictures", "ack")["Authorization"]
        path = self.folder / "station.token"
        path.write_text(header.removeprefix("Bearer "))
        path.chmod(0o600)
        url = f"http://{self.pole.address}"
        await self.station.pull(PoleSite(name=NAME, url=url, token_file=str(path)))

    async def opened(self) -> list[str]:
        """The alerts that the station has, in the order they came."""
        return await self.station.opened(NAME)

    async def has_got(self, sha256: str, size_bytes: int) -> bool:
        """Whether so much of a file has come that is on its way."""
        coming = self.station.view(NAME).coming
        return any(each.sha256 == sha256 and each.got_bytes >= size_bytes for each in coming)

    async def has_kept(self, sha256: str) -> bool:
        """Whether the station has a whole file."""
        kept = await self.station.store.find_media(NAME, sha256)
        return kept is not None and kept.path.exists()


@asynccontextmanager
async def far(folder: Path, quality: Quality) -> AsyncIterator[Far]:
    """Serve a pole at the far end of a link; nothing is pulled yet."""
    with bad_link(quality) as link, link.at(POLE):
        async with serve_pole(folder / "pole", host=POLE) as pole:
            with link.at(STATION):
                pulled = pulling(folder / "station", NAME, limits=Limits(), sleep=asyncio.sleep)
                async with pulled as station:
                    yield Far(folder, link, pole, station)
