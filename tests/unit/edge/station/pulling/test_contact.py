"""What desks see of a pole, and when it is news."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from edge.errors import PoleRefused, PoleUnreachable, PoleWrong, StoreError
from edge.feeds import FEEDS
from edge.station.ports.links import Coming
from edge.station.ports.vault import Identity
from edge.station.pulling.contact import TROUBLES_MAX, Contacts, PoleContact
from edge.station.pulling.ports import PoleHealth, Who
from tests.support.clocks import ManualClock

WHO = Who(
    Identity("SG-017", "ab" * 32, "PEM", "station", {"lat": 1.0}, ("yard",), "0.1"), "e1", 0, {}
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def contacts(clock: ManualClock) -> Contacts:
    return Contacts({"P1": "gate", "P2": None}, clock)


@pytest.fixture
def contact(contacts: Contacts) -> PoleContact:
    return contacts.of("P1")


def test_a_pole_is_starting_when_nobody_has_asked_it(contact: PoleContact) -> None:
    view = contact.view()

    assert (view.name, view.site, view.state, view.cause, view.heard_ms) == (
        "P1", "gate", "starting", "", None,
    )  # fmt: skip


def test_an_answer_is_news_once_when_a_pole_goes_on_answering(
    contacts: Contacts, contact: PoleContact, clock: ManualClock
) -> None:
    contact.heard()
    contact.took("alerts", records=0, alerts=0, has_more=False)
    first = contacts.change
    for _ in range(100):
        clock.move(1)
        contact.heard()
        contact.took("alerts", records=1, alerts=1, has_more=False)

    assert (contacts.change, contact.view().state) == (first, "up")
    assert contact.view().heard_ms == 1_700_000_100_000


def test_a_pole_catches_up_until_no_feed_has_more(contact: PoleContact) -> None:
    contact.heard()
    contact.took("alerts", records=100, alerts=3, has_more=True)
    contact.took("media", records=100, alerts=0, has_more=True)
    contact.took("alerts", records=10, alerts=0, has_more=False)
    states = [contact.view().state]
    contact.took("media", records=0, alerts=0, has_more=False)

    assert [*states, contact.view().state] == ["catching up", "up"]


def test_a_pole_is_not_up_before_a_page_of_its_alerts_was_taken(contact: PoleContact) -> None:
    contact.heard()
    contact.took("media", records=0, alerts=0, has_more=False)
    states = [contact.view().state]
    contact.took("alerts", records=0, alerts=0, has_more=False)
    states.append(contact.view().state)
    contact.fell_silent(is_again=False)
    contact.heard()

    assert [*states, contact.view().state] == ["catching up", "up", "catching up"]


@pytest.mark.parametrize(
    ("error", "state", "cause"),
    [
        (PoleUnreachable("no route"), "up", "link"),
        (PoleRefused("token"), "refused", "refused"),
        (PoleWrong("no pole"), "refused", "refused"),
        (StoreError("our disk is full"), "up", ""),
    ],
)
def test_why_it_does_not_answer_is_shown_when_asking_fails(
    contact: PoleContact, error: Exception, state: str, cause: str
) -> None:
    contact.heard()
    contact.took("alerts", records=0, alerts=0, has_more=False)
    contact.failed(error)
    view = contact.view()
    contact.heard()

    assert (view.state, view.cause) == (state, cause)
    told = [(each.what, each.detail) for each in view.troubles]
    assert told == ([("refused", str(error))] if state == "refused" else [])
    assert (contact.view().state, contact.view().cause) == ("up", "")
    assert contact.view().troubles == ()


def test_the_same_failure_is_no_news_when_it_comes_again(
    contacts: Contacts, contact: PoleContact
) -> None:
    contact.failed(PoleUnreachable("no route"))
    change = contacts.change
    contact.failed(PoleUnreachable("no route"))
    contact.failed(PoleUnreachable("no answer in time"))

    assert contacts.change == change


def test_mains_are_the_cause_when_its_records_said_so_before_it_fell_silent(
    contact: PoleContact,
) -> None:
    contact.heard()
    contact.noted_end(is_stopped=True)
    contact.noted_power(is_lost=True)
    contact.failed(PoleUnreachable("no route"))
    contact.fell_silent(is_again=False)

    assert (contact.view().state, contact.view().cause) == ("silent", "mains")


def test_a_clock_is_news_when_it_moves_by_more_than_a_second(
    contacts: Contacts, contact: PoleContact
) -> None:
    contact.met(WHO, clock_ahead_ms=100, answer_ms=3.21)
    change = contacts.change
    contact.met(WHO, clock_ahead_ms=900, answer_ms=80.0)
    assert contacts.change == change

    contact.met(WHO, clock_ahead_ms=90_000, answer_ms=80.0)

    view = contact.view()
    assert contacts.change == view.change > change
    assert (view.clock_ahead_ms, view.answer_ms, view.position) == (90_000, 80.0, {"lat": 1.0})


def test_troubles_stay_since_when_they_began_until_they_are_cleared(
    contacts: Contacts, contact: PoleContact, clock: ManualClock
) -> None:
    contact.trouble("chain", "one is missing")
    clock.move(60)
    contact.trouble("chain", "two are missing")
    change = contacts.change
    contact.trouble("chain", "two are missing")

    (trouble,) = contact.view().troubles
    assert (trouble.detail, trouble.since_ms) == ("two are missing", 1_700_000_000_000)
    assert contacts.change == change
    contact.clear("chain")
    contact.clear("chain")
    assert (contact.view().troubles, contacts.change) == ((), change + 1)


def test_a_hostile_pole_fills_no_memory_with_troubles(contact: PoleContact) -> None:
    for number in range(1000):
        contact.trouble(f"feed {number}", "x" * 100_000)

    troubles = contact.view().troubles
    assert len(troubles) == TROUBLES_MAX
    assert max(len(each.detail) for each in troubles) == 300


def test_what_was_missed_is_counted_from_when_it_fell_silent(contact: PoleContact) -> None:
    contact.heard()
    for feed in FEEDS:
        contact.took(feed, records=50, alerts=5, has_more=False)
    contact.fell_silent(is_again=False)
    assert contact.observe(0).feeds_coming

    contact.heard()
    contact.took("alerts", records=7, alerts=2, has_more=False)
    contact.landed()
    for feed in FEEDS[1:]:
        contact.took(feed, records=1, alerts=0, has_more=False)
    contact.coming((Coming("a" * 64, "clip", 100, 10),), files_waiting=2, bytes_waiting=500)

    seen = contact.observe(0)
    assert (seen.missed_records, seen.missed_alerts, seen.missed_files) == (12, 2, 1)
    assert (seen.feeds_coming, seen.files_waiting) == ((), 3)


def test_health_is_shown_with_its_time_and_is_news_when_it_changes(
    contacts: Contacts, contact: PoleContact, clock: ManualClock
) -> None:
    health = PoleHealth(False, ("camera yard: lost",), ("yard", "road"))
    contact.told_health(health)
    change = contacts.change
    clock.move(60)
    contact.told_health(replace(health))
    clock.move(3600)

    view = contact.view()
    assert view.health_ms == 1_700_000_060_000
    assert (view.is_well, view.unwell, view.cameras) == (False, health.unwell, health.cameras)
    assert contacts.change == change


def test_who_waits_is_woken_when_any_pole_changes(contacts: Contacts) -> None:
    async def wait() -> bool:
        waiting = asyncio.ensure_future(contacts.waiters.wait(after=contacts.change, timeout_s=10))
        await asyncio.sleep(0)
        contacts.of("P2").heard()
        return await waiting

    assert asyncio.run(wait())
