"""What a pole has signed of its feeds: fetched now and then, checked against what is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge.clock import NS_PER_S
from edge.errors import EvidenceError, PoleWrong
from edge.evidence import Link, SignedStatement, check_signature
from edge.feeds import Feed
from edge.station.ports.vault import CheckedRecord
from edge.station.pulling.one_pole import MeetAgain, Met, OnePole
from edge.station.pulling.ports import PoleBusy

LOOK_BACK = 1000
"""A signature over a newer place holds all before it; older ones are not fetched again."""
ANSWERS_MAX = 10
"""A pole that always has more is asked on next time."""
SIGNED_WITH = ("alert.open", "alert.close", "alert.ack", "alert.resolve")
"""A pole signs its heads in the commit of such a record: docs/design/records.md."""
ALERT_S = 300.0
"""For the signature that comes with an alert: two rounds of asking, and a busy pole."""
HOUR_S = 4500.0
"""For that of everything else, which comes each hour."""
AGAIN_S = 1800.0
"""What is still not signed is told again: its alert must not close as over."""
STEP_S = 120.0
"""What counts between two looks: a pole that did not answer could not give what it has signed."""


@dataclass(slots=True)
class _Wait:
    """What nothing signed covers yet, and for how many seconds more that is no fault."""

    epoch: str
    seq: int
    left_s: float


class SignedHeads:
    """Fetches and checks the statements of one pole."""

    def __init__(self, pole: OnePole) -> None:
        """Nothing is asked yet."""
        self._pole = pole
        self._waits: dict[str, _Wait] = {}
        self._looked_ns: dict[str, int] = {}
        self._alert_seq = 0

    def heed(self, records: Sequence[CheckedRecord]) -> None:
        """Records have been kept: with some of them the pole signs."""
        places = [
            each.link
            for each in records
            if each.link.feed == "alerts" and each.draft.kind in SIGNED_WITH
        ]
        if not places:
            return
        self._alert_seq = places[-1].seq
        wait = self._waits.get("alerts")
        if wait is not None and wait.left_s > ALERT_S:
            self._waits["alerts"] = _Wait(places[-1].epoch, self._alert_seq, ALERT_S)

    def is_overdue(self, place: Link) -> bool:
        """Let time pass for a feed that is met; whether its signature should have come by now."""
        now_ns = self._pole.passing.clock.monotonic_ns()
        passed_s = (now_ns - self._looked_ns.get(place.feed, now_ns)) / NS_PER_S
        self._looked_ns[place.feed] = now_ns
        wait = self._find_wait(place)
        if wait is None:
            return False
        wait.left_s -= min(passed_s, STEP_S)
        return wait.left_s <= 0

    async def pull(self, met: Met, place: Link) -> bool:
        """Fetch what was signed of a feed up to where it stands here; tell what should have been.

        Args:
            met: the pole, whose key must have signed.
            place: where the feed stands here; a head beyond it is looked at when it is reached.

        Returns:
            Whether what it has signed is what is kept here.

        Raises:
            MeetAgain: its log is another by now, and what it has signed is of that one.
            PoleError: the pole gives nothing that can be taken.
            StoreError: the disk here takes nothing.
        """
        try:
            is_ours = await self._fetch(met, place)
        except (PoleWrong, PoleBusy):
            await self._look(place)
            raise
        await self._look(place)
        return is_ours

    async def _fetch(self, met: Met, place: Link) -> bool:
        pole, feed = self._pole, cast("Feed", place.feed)
        wait = self._find_wait(place)
        wanted = place.seq - LOOK_BACK if wait is None else min(place.seq - LOOK_BACK, wait.seq - 1)
        after = max(await self._signed_to(place), wanted)
        for _ in range(ANSWERS_MAX):
            signed, following, has_more = await pole.client.statements(feed, after=after)
            if not await self._keep(met, place, signed):
                return False
            if not has_more or following <= after or following >= place.seq:
                break
            after = following
        return True

    async def _look(self, place: Link) -> None:
        """Tell what should have been signed by now, or begin to wait for what is new."""
        feed, upto = cast("Feed", place.feed), await self._signed_to(place)
        wait = self._find_wait(place)
        if wait is not None and wait.seq > upto:
            if wait.left_s <= 0:
                wait.left_s = AGAIN_S
                flaw = f"{feed} up to {wait.seq}: not signed in time; whoever answers lacks the key"
                await self._pole.flaws.note("signature", feed, place.epoch, [flaw])
        elif feed == "alerts" and upto < self._alert_seq <= place.seq:
            self._waits[feed] = _Wait(place.epoch, self._alert_seq, ALERT_S)
        elif upto < place.seq:
            self._waits[feed] = _Wait(place.epoch, place.seq, HOUR_S)
        else:
            self._waits.pop(feed, None)

    def _find_wait(self, place: Link) -> _Wait | None:
        """What is waited for, if it is of this log; one that was put back may never come to it."""
        wait = self._waits.get(place.feed)
        is_same = wait is not None and wait.epoch == place.epoch and wait.seq <= place.seq
        return wait if is_same else None

    async def _signed_to(self, place: Link) -> int:
        pole = self._pole
        known = await pole.vault.signed_to(pole.name, cast("Feed", place.feed))
        return known.seq if known is not None and known.epoch == place.epoch else 0

    async def _keep(self, met: Met, place: Link, signed: Sequence[SignedStatement]) -> bool:
        """Keep the good ones; name the others. False: the key's owner has signed another log."""
        pole, feed = self._pole, cast("Feed", place.feed)
        good, forged = sift(met, place, signed)
        if forged and (await pole.client.who()).epoch != place.epoch:
            raise MeetAgain(f"its log is another than {place.epoch}, of which it was asked")
        await pole.flaws.note("signature", feed, place.epoch, forged)
        lies = await pole.vault.keep_statements(pole.name, good) if good else []
        await pole.flaws.note("fork", feed, place.epoch, lies)
        return not lies


def sift(
    met: Met, place: Link, signed: Sequence[SignedStatement]
) -> tuple[list[SignedStatement], list[str]]:
    """Tell what the pole's key has signed of a feed up to a place from what it has not.

    Returns:
        The good ones, and a line for each that is another's, or of something else.
    """
    key = load_pem_public_key(met.who.identity.key_pem.encode())
    assert isinstance(key, Ed25519PublicKey), "the answer was checked for that"
    good, forged = [], []
    for each in signed:
        said = each.statement
        whose = (said.pole, said.epoch, said.feed)
        if whose != (met.who.identity.pole_id, place.epoch, place.feed):
            forged.append(f"{said.kind} of {place.feed} at {said.seq}: speaks of another log")
        elif said.seq <= place.seq:
            try:
                check_signature(each, key)
            except EvidenceError as exc:
                forged.append(str(exc))
            else:
                good.append(each)
    return good, forged
