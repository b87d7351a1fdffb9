"""What a pole has signed of its feeds: fetched now and then, checked against what is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge.errors import EvidenceError
from edge.evidence import Link, SignedStatement, check_signature
from edge.feeds import Feed
from edge.station.pulling.one_pole import MeetAgain, Met, OnePole

LOOK_BACK = 1000
"""A signature over a newer place holds all before it; older ones are not fetched again."""
ANSWERS_MAX = 10
"""A pole that always has more is asked on next time."""


class SignedHeads:
    """Fetches and checks the statements of one pole."""

    def __init__(self, pole: OnePole) -> None:
        """Nothing is asked yet."""
        self._pole = pole

    async def pull(self, met: Met, place: Link) -> bool:
        """Fetch what was signed of a feed up to where it stands here.

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
        pole, feed = self._pole, cast("Feed", place.feed)
        known = await pole.vault.signed_to(pole.name, feed)
        is_same = known is not None and known.epoch == place.epoch
        after = max(known.seq if known is not None and is_same else 0, place.seq - LOOK_BACK)
        for _ in range(ANSWERS_MAX):
            signed, following, has_more = await pole.client.statements(feed, after=after)
            if not await self._keep(met, place, signed):
                return False
            if not has_more or following <= after or following >= place.seq:
                break
            after = following
        return True

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
