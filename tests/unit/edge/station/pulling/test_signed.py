"""What a pole has signed: whose word it is, and when it is another log's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.evidence import Link, SignedStatement, Statement, sign
from edge.feeds import ClockReading, Feed
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.vault import Identity
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.one_pole import MeetAgain, Met, OnePole
from edge.station.pulling.ports import Who
from edge.station.pulling.signed import SignedHeads
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.api_pole import KEY
from tests.support.clocks import ManualClock
from tests.support.fake_client import FakeClient
from tests.support.fake_vault import FakeVault

PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
WHO = Who(Identity("SG-017", "a" * 64, PEM, "station"), "k3f9", 1_795_368_785_120, {})
PLACE = Link("k3f9", "alerts", 3, "c" * 64)


@dataclass
class SigningClient(FakeClient):
    """A pole that has signed something."""

    signed: tuple[SignedStatement, ...] = ()

    async def statements(
        self, feed: Feed, *, after: int
    ) -> tuple[list[SignedStatement], int, bool]:
        return list(self.signed), after, False


def make_statement(epoch: str) -> SignedStatement:
    at = "2026-11-22T17:33:05.120Z"
    return sign(Statement("head", "SG-017", epoch, "alerts", 3, "c" * 64, at), KEY)


def make_pole(client: SigningClient, vault: FakeVault) -> OnePole:
    clock = ManualClock(utc_ms=WHO.at_ms)
    own = OwnAlerts(vault, Pen(clock, lambda: ClockReading("synced", "b00t", 1)))
    contact = Contacts({"P1": None}, clock).of("P1")
    flaws = FlawBook("P1", own, contact, clock)
    return OnePole("P1", None, client, vault, contact, own, flaws, Passing(clock))


@run_async
async def test_pole_is_met_again_when_it_signs_for_the_log_that_it_has_begun() -> None:
    vault = FakeVault()
    client = SigningClient(signed=(make_statement("an3w"),), persons=[replace(WHO, epoch="an3w")])

    with pytest.raises(MeetAgain, match="another than k3f9"):
        await SignedHeads(make_pole(client, vault)).pull(Met(WHO, 0), PLACE)

    assert vault.told == []


@run_async
async def test_statement_of_another_log_is_an_alert_when_the_pole_has_not_begun_one() -> None:
    vault = FakeVault()
    client = SigningClient(signed=(make_statement("an3w"),), persons=[WHO])

    await SignedHeads(make_pole(client, vault)).pull(Met(WHO, 0), PLACE)

    assert vault.rules() == [("alert.open", "signature")]


@run_async
async def test_statement_of_this_log_asks_for_nothing_more() -> None:
    vault = FakeVault()
    client = SigningClient(signed=(make_statement("k3f9"),))

    assert await SignedHeads(make_pole(client, vault)).pull(Met(WHO, 0), PLACE)

    assert vault.told == []
