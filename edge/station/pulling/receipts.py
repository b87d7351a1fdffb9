"""Tells a pole which of its files are on disk here and were checked, many at once."""

from __future__ import annotations

import asyncio
import logging

from edge.errors import PoleError, StoreError
from edge.station.ports.vault import Vault
from edge.station.pulling.ports import PoleClient
from edge.supervise import Backoff, Passing

ACKS_MAX = 900
"""As many as a pole takes at once."""

_log = logging.getLogger(__name__)


class Receipts:
    """Of one pole; for one event loop."""

    def __init__(
        self, pole: str, client: PoleClient, vault: Vault, *, passing: Passing, every_s: float
    ) -> None:
        """Nothing is told before `run`; files that come within `every_s` are told together."""
        self._pole, self._client, self._vault = pole, client, vault
        self._passing, self._every_s = passing, every_s
        self._kept = asyncio.Event()

    def wake(self) -> None:
        """Files may have been kept."""
        self._kept.set()

    async def run(self) -> None:
        """Tell until cancelled; what the pole does not take is told again."""
        backoff = Backoff()
        while True:
            await self._kept.wait()
            self._kept.clear()
            try:
                await self._tell()
            except (PoleError, StoreError) as exc:
                self._kept.set()
                _log.debug("files not confirmed: pole=%s reason=%s", self._pole, exc)
                await self._passing.sleep(backoff.wait_s(0.0))
            else:
                backoff = Backoff()
                await self._passing.sleep(self._every_s)

    async def _tell(self) -> None:
        while hashes := await self._vault.unacked_files(self._pole, limit=ACKS_MAX):
            await self._client.ack_media(hashes)
            await self._vault.note_files_acked(self._pole, hashes)
