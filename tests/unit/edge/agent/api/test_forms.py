from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent.api.forms import EVENTS, JSON, LINES, Extent, Form, choose_form, encode_page
from edge.evidence import canonical_json

_Event = dict[str, msgspec.Raw]
EXTENT = Extent("k3f9.2", "k3f9.0", has_more=False)


def record(number: int) -> bytes:
    return canonical_json(
        {"id": f"01J{number}", "pole": "SG-017", "feed": "alerts", "kind": "alert.open",
         "at": "2026-11-22T17:33:05.120Z", "data": {"c": 1e21, "note": "警"}}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/x-ndjson", LINES),
        ("Application/X-NDJSON; charset=utf-8", LINES),
        ("application/cloudevents-batch+json", EVENTS),
        ("application/x-ndjson;q=0.2, application/json;q=0.1", LINES),
        ("application/x-ndjson, */*;q=0.5", LINES),
        ("application/x-ndjson;q=0, */*", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("text/html", JSON),
        ("application/x-ndjson;q=2", LINES),
        (";;,,;q=", JSON),
    ],
)
def test_form_is_the_one_that_is_liked_best(accept: str, form: Form) -> None:
    assert choose_form(accept) == form


@given(st.text())
def test_form_is_chosen_whatever_is_sent(accept: str) -> None:
    assert choose_form(accept) in (JSON, LINES, EVENTS)


@given(st.lists(st.integers(0, 9), max_size=5))
def test_records_are_in_every_form_byte_for_byte(numbers: list[int]) -> None:
    bodies = [record(number) for number in numbers]

    plain = encode_page(JSON, bodies, EXTENT)
    assert plain.startswith(b'{"items":[' + b",".join(bodies) + b"]")
    assert msgspec.json.decode(plain)["next"] == "k3f9.2"
    assert encode_page(LINES, bodies, EXTENT).splitlines() == bodies
    events = msgspec.json.decode(encode_page(EVENTS, bodies, EXTENT), type=list[_Event])
    assert [bytes(event["data"]) for event in events] == bodies


def test_event_names_its_record() -> None:
    (event,) = msgspec.json.decode(encode_page(EVENTS, [record(7)], EXTENT))

    assert event["specversion"] == "1.0"
    assert event["id"] == "01J7"
    assert event["source"] == "/poles/SG-017/alerts"
    assert event["type"] == "alert.open"
    assert event["time"] == "2026-11-22T17:33:05.120Z"
    assert event["datacontenttype"] == "application/json"
