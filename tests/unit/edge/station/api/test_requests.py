"""What people say of alerts: what counts and which records it makes."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ValidationError
from edge.evidence import canonical_json
from edge.serving.verdicts import Ack, Resolve
from edge.station.api.requests import (
    CASE_CHARACTERS_MAX,
    Hold,
    Note,
    Spoken,
    hear_ack,
    hear_hold,
    hear_note,
    hear_resolve,
    read_known,
)

ACKED = {"at": "2026-11-22T17:33:05.120Z", "by": "li", "severity": "major"}
LI = {"at": "2026-11-22T17:33:05.120Z", "by": "li", "text": ""}


def make_alert(**fields: Any) -> bytes:
    plain = {"id": "01J", "pole": "SG-017", "camera": None, "severity": "major", "acked": None,
             "seen": None, "hold": None, "resolved": None}  # fmt: skip
    return msgspec.json.encode({**plain, **fields})


def test_ack_is_news_until_somebody_has_said_so() -> None:
    assert hear_ack(Ack("go"), make_alert()) == [Spoken("alert.ack", {"note": "go"})]
    assert hear_ack(Ack(), make_alert()) == [Spoken("alert.ack", {"note": None})]
    assert hear_ack(Ack(), make_alert(acked=ACKED)) == []
    assert hear_ack(Ack(), make_alert(acked=ACKED, severity="minor")) == []


def test_ack_is_news_again_when_the_alert_has_become_worse() -> None:
    worse = make_alert(acked=ACKED, severity="critical")

    assert hear_ack(Ack("go"), worse) == [Spoken("alert.ack", {"note": "go"})]


def test_note_of_a_further_ack_is_a_note() -> None:
    said = hear_ack(Ack("me too"), make_alert(acked=ACKED))

    assert said == [Spoken("alert.note", {"text": "me too"})]


def test_verdict_is_news_when_it_says_more() -> None:
    judged = make_alert(resolved={"verdict": "real", "note": None})

    assert hear_resolve(Resolve("real"), judged) == []
    assert len(hear_resolve(Resolve("real", "a thief"), judged)) == 1
    assert len(hear_resolve(Resolve("test"), judged)) == 1
    assert len(hear_resolve(Resolve("real"), make_alert())) == 1


def test_hold_is_news_for_another_case_or_for_none() -> None:
    held = make_alert(hold={**LI, "text": "2026-17"})

    assert hear_hold(Hold("2026-17"), held) == []
    assert hear_hold(Hold(None), held) == [Spoken("alert.hold", {"case": None})]
    assert hear_hold(Hold("2026-18"), held) == [Spoken("alert.hold", {"case": "2026-18"})]
    assert hear_hold(Hold(None), make_alert()) == []


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_nothing_is_no_note_and_no_case(text: str) -> None:
    with pytest.raises(ValidationError, match="text: nothing in it"):
        hear_note(Note(text), make_alert())
    with pytest.raises(ValidationError, match="case: nothing in it"):
        hear_hold(Hold(text), make_alert())


def test_case_is_short_and_fault_names_its_member() -> None:
    assert len(hear_hold(Hold("x" * CASE_CHARACTERS_MAX), make_alert())) == 1
    with pytest.raises(ValidationError, match="case: longer than 100 characters"):
        hear_hold(Hold("x" * (CASE_CHARACTERS_MAX + 1)), make_alert())


@given(st.text(max_size=600))
def test_what_is_heard_can_be_kept_as_a_record(text: str) -> None:
    with contextlib.suppress(ValidationError):
        for spoken in (
            *hear_note(Note(text), make_alert()),
            *hear_ack(Ack(text), make_alert()),
            *hear_resolve(Resolve("real", text), make_alert()),
            *hear_hold(Hold(text), make_alert()),
        ):
            assert canonical_json(dict(spoken.data))


def test_known_is_what_decides() -> None:
    known = read_known(make_alert(seen=LI, acked=ACKED))

    assert (known.is_seen, known.is_acked) == (True, True)
    assert not read_known(make_alert()).is_seen
