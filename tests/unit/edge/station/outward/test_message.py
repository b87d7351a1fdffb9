"""Which records are news for a webhook, and what it is told of them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from edge.feeds import Severity
from edge.station.outward.message import Message, make_message
from edge.station.ports.arrivals import Arrival
from tests.support.arrivals_list import STATION, ArrivalsList

ALL: tuple[Severity, ...] = ("critical", "major", "minor", "info")


def tell(
    arrivals: ArrivalsList, number: int, severities: tuple[Severity, ...] = ALL
) -> Message | None:
    async def make() -> Message | None:
        (arrival,) = await arrivals.arrivals(after=number - 1, feeds=("alerts",), limit=1)
        return await make_message(arrival, station=STATION, severities=severities, desk=arrivals)

    return asyncio.run(make())


def told(arrivals: ArrivalsList, number: int, severities: tuple[Severity, ...] = ALL) -> Any:
    message = tell(arrivals, number, severities)
    return None if message is None else msgspec.json.decode(message.body)


def test_message_has_the_record_to_the_byte_and_the_alert_as_it_is_now() -> None:
    arrivals = ArrivalsList()
    number = arrivals.add("alert.open", severity="major", data={"label": "人"})
    message = tell(arrivals, number)
    assert message is not None
    (arrival,) = asyncio.run(arrivals.arrivals(after=0, feeds=("alerts",), limit=1))
    assert b'"record":' + arrival.body + b"," in message.body
    fields = msgspec.json.decode(message.body)
    assert list(fields) == ["type", "number", "pole", "received_at", "record", "alert"]
    assert (fields["type"], fields["number"], fields["pole"]) == ("alert.open", 1, "SG-017")
    assert fields["received_at"] == "2026-11-22T17:33:05.001Z"
    assert fields["alert"] == {"id": "A1", "pole": "SG-017", "severity": "major"}


@pytest.mark.parametrize("kind", ["alert.open", "alert.close", "alert.ack", "alert.resolve"])
def test_what_opens_closes_or_answers_an_alert_is_told(kind: str) -> None:
    arrivals = ArrivalsList()
    assert told(arrivals, arrivals.add(kind, severity="major"))["type"] == kind


@pytest.mark.parametrize(
    "kind", ["alert.seen", "alert.note", "alert.hold", "alert.limited", "loss", "clock", "x"]
)
def test_other_records_are_not_told(kind: str) -> None:
    arrivals = ArrivalsList()
    assert told(arrivals, arrivals.add(kind, severity="major")) is None


def test_update_is_told_only_of_another_severity() -> None:
    arrivals = ArrivalsList()
    arrivals.add("alert.open", severity="minor")
    same, none, worse, again = (
        arrivals.add("alert.update", severity=severity)
        for severity in ("minor", None, "critical", "critical")
    )
    assert [told(arrivals, number) is not None for number in (same, none, worse, again)] == [
        False, False, True, False,
    ]  # fmt: skip


def test_severities_are_those_that_an_alert_has_or_had_until_then() -> None:
    arrivals = ArrivalsList()
    opened = arrivals.add("alert.open", severity="critical")
    milder = arrivals.add("alert.update", severity="minor")
    later = arrivals.add("alert.ack")
    assert told(arrivals, opened, ("critical",)) is not None
    assert told(arrivals, milder, ("critical",)) is not None
    assert told(arrivals, later, ("critical",)) is None
    assert told(arrivals, later, ("minor",)) is not None


def test_word_of_a_desk_is_of_the_pole_whose_alert_it_is() -> None:
    arrivals = ArrivalsList()
    arrivals.add("alert.open", severity="major")
    acked = arrivals.add("alert.ack", pole=STATION, data={"pole": "SG-017", "by": "chen"})
    fields = told(arrivals, acked, ("major",))
    assert (fields["pole"], fields["alert"]["pole"]) == ("SG-017", "SG-017")


def test_pole_can_not_speak_of_another_pole_s_alert() -> None:
    arrivals = ArrivalsList()
    arrivals.add("alert.open", pole="SG-001", severity="critical", alert="A9")
    lying = arrivals.add("alert.ack", data={"pole": "SG-001", "by": "chen"}, alert="A9")
    fields = told(arrivals, lying)
    assert fields["pole"] == "SG-017"


def test_own_alert_of_the_station_is_told_as_its_own() -> None:
    """Its data names the pole it is about; the alert itself is the station's."""
    arrivals = ArrivalsList()
    opened = arrivals.add("alert.open", pole=STATION, severity="critical", data={"pole": "SG-017"})
    assert told(arrivals, opened)["pole"] == STATION


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"kind":7}', b"\xff", b'{"kind":"alert.open"}']
)
def test_what_is_no_record_of_an_alert_is_passed_over(body: bytes) -> None:
    async def make() -> Message | None:
        arrival = Arrival(1, "SG-017", 0, body)
        return await make_message(arrival, station=STATION, severities=ALL, desk=ArrivalsList())

    assert asyncio.run(make()) is None
