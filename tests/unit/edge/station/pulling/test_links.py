"""What the API sees of pulling."""

from __future__ import annotations

import asyncio

from edge.station.pulling.contact import Contacts
from edge.station.pulling.links import PoleLinks
from edge.station.pulling.live import LiveViews
from tests.support.clocks import ManualClock


def make_links() -> tuple[Contacts, PoleLinks]:
    contacts = Contacts({"P1": "gate", "P2": None}, ManualClock())
    return contacts, PoleLinks(contacts, LiveViews({}))


def test_poles_are_named_in_the_order_of_the_configuration() -> None:
    _, links = make_links()

    assert links.names == ("P1", "P2")
    assert (links.view("P1").site, links.view("P2").site) == ("gate", None)


def test_a_change_that_was_before_is_not_waited_for() -> None:
    contacts, links = make_links()
    contacts.of("P1").heard()

    async def wait() -> tuple[bool, bool]:
        return (
            await links.wait_for_change(after=0, timeout_s=10),
            await links.wait_for_change(after=links.change, timeout_s=0),
        )

    assert asyncio.run(wait()) == (True, False)


def test_a_nudge_reaches_who_passes_words_on_and_harms_nobody_when_there_is_none() -> None:
    contacts, links = make_links()
    nudged: list[str] = []
    contacts.of("P1").on_nudge(lambda: nudged.append("P1"))

    links.nudge("P1")
    links.nudge("P2")

    assert nudged == ["P1"]
