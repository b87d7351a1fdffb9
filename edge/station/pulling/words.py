"""What desks have said of a pole's alerts, passed on to the pole, in order, until it has taken it.

The word counts at the desk from the moment it was said; the pole learns of it when it can.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from edge.errors import PoleError, PoleRefused, PoleUnreachable, PoleWrong, StoreError
from edge.station.ports.vault import Vault, Word
from edge.station.pulling.contact import PoleContact
from edge.station.pulling.ports import PoleBusy, PoleClient, WordRefused
from edge.supervise import JITTER_SHARE, Backoff, Passing

WORDS_AT_ONCE = 200
LOOK_EVERY_S = 60.0
"""Without being woken: whatever was missed, no word is forgotten."""
REFUSED_S = 60.0
_WHAT = "words"

_log = logging.getLogger(__name__)


class Words:
    """Passes on what was said about one pole's alerts; for one event loop."""

    def __init__(
        self, client: PoleClient, vault: Vault, contact: PoleContact, passing: Passing
    ) -> None:
        """Nothing is passed on before `run`."""
        self._client, self._vault, self._contact = client, vault, contact
        self._passing = passing
        self._woken = asyncio.Event()
        self._is_refused = False
        contact.on_nudge(self._woken.set)

    async def run(self) -> None:
        """Pass on until cancelled."""
        backoff = Backoff()
        while True:
            self._woken.clear()
            try:
                await self._pass_on()
            except PoleRefused as exc:
                self._note(exc)
                await self._passing.sleep(REFUSED_S)
            except (PoleError, StoreError) as exc:
                self._note(exc)
                wait_s = backoff.wait_s(0.0) * (1 + JITTER_SHARE * self._passing.dice())
                await self._passing.sleep(wait_s)
            else:
                backoff = Backoff()
                await self._rest()

    async def _pass_on(self) -> None:
        """Send all there is.

        Raises:
            PoleError: the pole can't be reached; or some alert's words were not understood, and
                those of all others have been sent.
            StoreError: what was sent could not be noted; the pole takes the same word twice.
        """
        stuck: dict[str, PoleError] = {}
        while words := await self._find(stuck):
            for word in words:
                if word.alert not in stuck:  # the words of one alert keep their order
                    await self._send(word, stuck)
        if stuck:
            raise next(iter(stuck.values()))
        self._is_refused = False
        self._contact.clear(_WHAT)

    def _note(self, error: PoleError | StoreError) -> None:
        """Tell once what the pole refuses; a lost link and a full disk have alerts of their own."""
        if isinstance(error, PoleUnreachable | StoreError):
            return
        self._contact.trouble(_WHAT, f"it takes no acks or verdicts: {error}")
        if not self._is_refused:
            _log.warning("no word taken: pole=%s reason=%s", self._contact.name, error)
        self._is_refused = True

    async def _find(self, stuck: Collection[str]) -> list[Word]:
        words = await self._vault.words_to_send(self._contact.name, limit=WORDS_AT_ONCE)
        return [word for word in words if word.alert not in stuck]

    async def _send(self, word: Word, stuck: dict[str, PoleError]) -> None:
        try:
            await self._client.say(word)
        except (PoleWrong, PoleBusy) as exc:
            stuck[word.alert] = exc
        except WordRefused as exc:
            await self._vault.note_sent(word, str(exc) or "the pole does not take it")
            _log.warning(
                "word refused: pole=%s alert=%s what=%s reason=%s",
                word.pole, word.alert, word.what, exc,
            )  # fmt: skip
        else:
            await self._vault.note_sent(word)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            return
