"""Tells a pole which of its files are on disk here and were checked, many at once."""

from __future__ import annotations

import asyncio
import logging

from edge.errors import PoleError, PoleUnreachable, StoreError
from edge.station.ports.vault import Vault
from edge.station.pulling.contact import PoleContact
from edge.station.pulling.ports import PoleClient
from edge.supervise import Backoff, Passing

ACKS_MAX = 900
"""As many as a pole takes at once."""
_WHAT = "ack files"

_log = logging.getLogger(__name__)


class Receipts:
    """Of one pole; for one event loop."""

    def __init__(
        self,
        client: PoleClient,
        vault: Vault,
        contact: PoleContact,
        *,
        passing: Passing,
        every_s: float,
    ) -> None:
        """Nothing is told before `run`; files that come within `every_s` are told together."""
        self._client, self._vault, self._contact = client, vault, contact
        self._passing, self._every_s = passing, every_s
        self._kept = asyncio.Event()
        self._is_refused = False

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
                self._note(exc)
                await self._passing.sleep(backoff.wait_s(0.0))
            else:
                backoff, self._is_refused = Backoff(), False
                self._contact.clear(_WHAT)
                await self._passing.sleep(self._every_s)

    def _note(self, error: PoleError | StoreError) -> None:
        """Tell once what the pole refuses; a lost link and a full disk have alerts of their own."""
        if isinstance(error, PoleUnreachable | StoreError):
            return
        self._contact.trouble(_WHAT, str(error))
        if not self._is_refused:
            _log.warning("files not confirmed: pole=%s reason=%s", self._contact.name, error)
        self._is_refused = True

    async def _tell(self) -> None:
        while hashes := await self._vault.unacked_files(self._contact.name, limit=ACKS_MAX):
            await self._client.ack_media(hashes)
            await self._vault.note_files_acked(self._contact.name, hashes)
