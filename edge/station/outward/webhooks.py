"""Tells webhooks of alerts: each record in the order in which it came, at least once.

Each receiver has a task and a place of its own: one that is slow or gone delays nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.config.toml_file import find_looseness
from edge.errors import Fault, ValidationError
from edge.station.config import Webhook
from edge.station.outward.delivery import ATTEMPT_S_MAX, Delivery
from edge.station.outward.message import AlertDesk, Message, make_message
from edge.station.outward.signature import make_message_id, parse_secret, sign_message
from edge.station.ports.arrivals import Arrivals
from edge.supervise import JITTER_SHARE, Passing, run_forever

FIRST_WAIT_S = 1.0
WAIT_S_MAX = 300.0
_PAGE = 100
_IDLE_S = 60.0
_GATHER_S = 0.1
"""Other feeds' records wake us too: so long is waited before the next look."""
_MS_PER_S = 1000

WebhookState = Literal["up", "behind", "gone"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookView:
    """How it stands with a receiver.

    `behind`: it has not taken what was sent last, for `reason`; `gone`: it wants nothing more until
    the station starts anew. `waiting_since_ms` is when the record came that it has not taken yet,
    None where there is none.
    """

    name: str
    state: WebhookState
    reason: str
    waiting_since_ms: int | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where webhooks learn what to tell; `station` is the station's id."""

    arrivals: Arrivals
    desk: AlertDesk
    station: str


class Webhooks:
    """All webhooks of a station."""

    def __init__(
        self,
        webhooks: Sequence[Webhook],
        outlook: Outlook,
        *,
        passing: Passing | None = None,
        attempt_s: float = ATTEMPT_S_MAX,
    ) -> None:
        """Nobody is told anything before `run`.

        Raises:
            ValidationError: a file that a webhook names can't be used.
        """
        self._passing = passing or Passing()
        self._callers = [
            _Caller(each, outlook, Delivery(each, attempt_s=attempt_s), self._passing)
            for each in webhooks
        ]

    def views(self) -> list[WebhookView]:
        """How it stands with each, in the order of the configuration."""
        return [caller.view() for caller in self._callers]

    async def run(self) -> None:
        """Tell everybody until cancelled; a store that can't be read is tried again."""
        async with asyncio.TaskGroup() as group:
            for caller in self._callers:
                name = f"webhook {caller.name}"
                group.create_task(run_forever(name, caller.run_once, self._passing))


@dataclass(slots=True)
class _Trial:
    """What is known of the message that is being handed over."""

    message: Message
    reason: str = ""


class _Caller:
    """Tells one receiver."""

    def __init__(
        self, webhook: Webhook, outlook: Outlook, delivery: Delivery, passing: Passing
    ) -> None:
        self.name = webhook.name
        self._severities = frozenset(webhook.severities)
        self._secret = _load_secret(webhook)
        self._outlook, self._delivery, self._passing = outlook, delivery, passing
        self._trial: _Trial | None = None
        self._is_gone = False

    def view(self) -> WebhookView:
        trial = self._trial
        reason = trial.reason if trial is not None else ""
        state: WebhookState = "gone" if self._is_gone else "behind" if reason else "up"
        since_ms = trial.message.received_ms if trial is not None else None
        return WebhookView(self.name, state, reason, since_ms)

    async def run_once(self) -> None:
        """Tell everything from where it was left, for ever."""
        arrivals = self._outlook.arrivals
        place = await arrivals.told_to(self.name)
        if place is None:  # nobody wants a year of alerts for a beginning
            place = arrivals.newest
            await arrivals.note_told(self.name, place)
        async with self._delivery:
            while not self._is_gone:
                place = await self._go_on(place)
            await asyncio.Event().wait()

    async def _go_on(self, place: int) -> int:
        """Tell what came after a place; the place then."""
        arrivals = self._outlook.arrivals
        newest = arrivals.newest
        page = await arrivals.arrivals(after=place, feeds=("alerts",), limit=_PAGE)
        told = place
        for arrival in page:
            message = await make_message(
                arrival,
                station=self._outlook.station,
                severities=self._severities,
                desk=self._outlook.desk,
            )
            if message is not None:
                if not await self._hand_over(message):
                    return place
                await arrivals.note_told(self.name, arrival.number)
                told = arrival.number
        if page:
            if told != page[-1].number:
                await arrivals.note_told(self.name, page[-1].number)
            return page[-1].number
        place = max(place, newest)
        await arrivals.wait_for_arrival(after=place, timeout_s=_IDLE_S)
        await self._passing.sleep(_GATHER_S)
        return place

    async def _hand_over(self, message: Message) -> bool:
        """Send a message until it is taken; false: the receiver wants nothing more."""
        trial = self._trial = _Trial(message)
        message_id = make_message_id(self._outlook.station, message.number, message.received_ms)
        wait_s = FIRST_WAIT_S
        while True:
            now_s = self._passing.clock.utc_ms() // _MS_PER_S
            headers = sign_message(self._secret, message_id, now_s, message.body)
            outcome, reason = await self._delivery.post(message.body, headers)
            if outcome != "refused":
                break
            if reason != trial.reason:
                _log.warning("webhook behind: name=%s reason=%s", self.name, reason)
                trial.reason = reason
            await self._passing.sleep(wait_s * (1 + JITTER_SHARE * self._passing.dice()))
            wait_s = min(2 * wait_s, WAIT_S_MAX)
        if outcome == "gone":
            self._is_gone, trial.reason = True, reason
            _log.error(
                "webhook gone: name=%s reason=%s, it is told nothing more until the station"
                " starts anew", self.name, reason,
            )  # fmt: skip
            return False
        if trial.reason:
            _log.info("webhook up again: name=%s number=%d", self.name, message.number)
        self._trial = None
        return True


def _load_secret(webhook: Webhook) -> bytes:
    if loose := find_looseness(Path(webhook.secret_file)):
        _log.warning("secret open to others: %s", loose)
    try:
        text = Path(webhook.secret_file).read_text(encoding="ascii").strip()
        return parse_secret(text)
    except (OSError, UnicodeDecodeError, ValidationError) as exc:
        problem = f"of {webhook.name} can't be used: {webhook.secret_file}: {exc}"
        raise ValidationError([Fault("webhook.secret_file", problem)]) from exc
