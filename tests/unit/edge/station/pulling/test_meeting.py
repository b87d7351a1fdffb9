"""Who answers: the pole that is meant, or another; and what its clock is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from edge.errors import PoleRefused
from edge.feeds import ClockReading
from edge.station.own_alerts import OwnAlerts, Pen
from edge.station.ports.vault import Identity
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.meeting import Meeting, Roster
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.ports import Who
from edge.supervise import Passing
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.fake_client import FakeClient
from tests.support.fake_vault import FakeVault

ONE = Identity("SG-017", "a" * 64, "pem", "station")
TWO = Identity("SG-018", "b" * 64, "pem", "station")
AT_MS = 1_795_368_785_120


@dataclass
class Bench:
    """Two configured poles, and what answers at their addresses."""

    known: Mapping[str, Identity] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = ManualClock(utc_ms=AT_MS)
        self.vault = FakeVault(identities=dict(self.known))
        self.clients = {name: FakeClient() for name in ("P1", "P2")}
        self.own = OwnAlerts(self.vault, Pen(self.clock, lambda: ClockReading("synced", "b00t", 1)))
        contacts = Contacts(dict.fromkeys(self.clients), self.clock)
        roster = Roster(self.known)
        self.meetings = {
            name: Meeting(
                OnePole(
                    name, self.keys.get(name), client, self.vault, contacts.of(name), self.own,
                    FlawBook(name, self.own, contacts.of(name), self.clock), Passing(self.clock),
                ),
                roster,
            )
            for name, client in self.clients.items()
        }  # fmt: skip

    async def meet(self, name: str, identity: Identity, *, ahead_ms: int = 0) -> int:
        """Have somebody answer where a pole is asked; how far his clock is ahead."""
        who = Who(identity, "k3f9", self.clock.utc_ms() + ahead_ms, {})
        self.clients[name].persons = [who]
        return (await self.meetings[name].meet()).clock_ahead_ms


@run_async
async def test_clock_is_measured_and_identity_kept_when_a_pole_is_met() -> None:
    bench = Bench()

    assert await bench.meet("P1", ONE) == 0
    assert bench.vault.identities == {"P1": replace(ONE, epoch="k3f9")}


@run_async
async def test_clock_that_stays_at_the_limit_is_one_alert_that_ends_when_it_is_well_below() -> None:
    bench = Bench()

    for ahead_ms in (60_000, -60_000, 60_300, 59_700, 60_300, -59_700, 50_001):
        await bench.meet("P1", ONE, ahead_ms=ahead_ms)
    assert bench.vault.rules() == [("alert.open", "clock")]
    await bench.meet("P1", ONE, ahead_ms=-50_000)
    assert bench.vault.rules() == [("alert.open", "clock"), ("alert.close", "clock")]


@pytest.mark.parametrize("names", [("P1", "P2"), ("P2", "P1")])
@run_async
async def test_poles_that_changed_places_are_met_when_the_configuration_names_their_keys(
    names: tuple[str, str],
) -> None:
    now_at = {"P1": TWO, "P2": ONE}
    known = {"P1": ONE, "P2": TWO}
    unnamed = Bench(known)
    named = Bench(known, {name: identity.key_sha256 for name, identity in now_at.items()})

    for name in names:
        with pytest.raises(PoleRefused):
            await unnamed.meet(name, now_at[name])
        await named.meet(name, now_at[name])
        with pytest.raises(PoleRefused):
            await named.meet(name, known[name])

    assert {name: each.pole_id for name, each in named.vault.identities.items()} == {
        "P1": "SG-018", "P2": "SG-017",
    }  # fmt: skip


@run_async
async def test_key_that_two_poles_name_is_the_first_ones() -> None:
    bench = Bench(keys={"P1": ONE.key_sha256, "P2": ONE.key_sha256})

    with pytest.raises(PoleRefused, match="the id or the key of P1"):
        await bench.meet("P2", ONE)
    await bench.meet("P1", ONE)


@run_async
async def test_id_is_not_won_by_a_key_that_is_named_when_its_holder_has_another() -> None:
    bench = Bench({"P1": ONE}, {"P2": TWO.key_sha256})

    with pytest.raises(PoleRefused, match="the id or the key of P1"):
        await bench.meet("P2", replace(TWO, pole_id="SG-017"))
    await bench.meet("P1", ONE)


def test_roster_gives_id_and_key_to_who_was_known_first() -> None:
    roster = Roster({"P1": ONE})

    assert roster.claim("P2", ONE) == "P1"
    assert roster.claim("P2", Identity("SG-018", "a" * 64, "pem", "station")) == "P1"
    assert roster.claim("P2", TWO) == ""
    assert roster.claim("P1", ONE) == ""
    assert roster.claim("P1", Identity("SG-019", "c" * 64, "pem", "station")) == ""
    assert roster.claim("P3", ONE) == "", "P1 has become another one"
