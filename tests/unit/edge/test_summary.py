"""An alert's records folded into what /v1/alerts shows."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge.feeds import Draft
from edge.summary import (
    DATA_KEYS_MAX,
    MEDIA_MAX,
    Acked,
    Resolved,
    Summary,
    encode_summary,
    parse_summary,
    step,
)
from tests.support.drafts import AT_MS, make_draft, make_media

AT = "2026-09-21T14:13:20.000Z"
LATER = "2026-09-21T14:13:21.000Z"


def make_step(phase: str, **fields: Any) -> Draft:
    given_: dict[str, Any] = {"alert": "A1", "camera": "yard", "at_ms": AT_MS + 1000}
    return make_draft(1, kind=f"alert.{phase}", **(given_ | fields))


def opened(**fields: Any) -> Summary:
    given_: dict[str, Any] = {
        "at_ms": AT_MS,
        "severity": "major",
        "rule": {"type": "intrusion", "name": "gate"},
        "data": {"label": "person"},
        "where": {"box": [0.1, 0.2, 0.3, 0.4]},
    }
    summary = step(None, make_step("open", **(given_ | fields)), seq=7, pole="SG-017")
    assert summary is not None
    return summary


def after(summary: Summary, *drafts: Draft) -> Summary:
    for draft in drafts:
        stepped = step(summary, draft, seq=99, pole="SG-017")
        assert stepped is not None
        summary = stepped
    return summary


def media(sha256: str, role: str = "clip", **fields: Any) -> Draft:
    return make_media(
        1, sha256, item={"role": role}, **({"alert": "A1", "camera": "yard"} | fields)
    )


def test_opened_alert_has_every_field_of_the_contract() -> None:
    assert list(msgspec.json.decode(encode_summary(opened())).items()) == [
        ("id", "A1"),
        ("pole", "SG-017"),
        ("camera", "yard"),
        ("rule", {"type": "intrusion", "name": "gate"}),
        ("severity", "major"),
        ("state", "open"),
        ("opened_at", AT),
        ("opened_seq", 7),
        ("updated_at", AT),
        ("closed_at", None),
        ("close_reason", None),
        ("acked", None),
        ("resolved", None),
        ("data", {"label": "person"}),
        ("where", {"box": [0.1, 0.2, 0.3, 0.4]}),
        ("clock", {"state": "synced", "boot": "b00t", "mono_ms": 1}),
        ("media", []),
        ("test", False),
    ]


def test_summary_reads_back_as_it_was_written() -> None:
    summary = after(
        opened(),
        media("a" * 64),
        make_step("ack", data={"by": "desk"}),
        make_step("resolve", data={"by": "desk", "verdict": "false", "note": "a cat"}),
    )
    assert parse_summary(encode_summary(summary)) == summary


def test_alert_is_done_when_it_is_closed_and_resolved_in_either_order() -> None:
    close = make_step("close", data={"reason": "gone"})
    resolve = make_step("resolve", data={"by": "desk", "verdict": "real"})
    assert after(opened(), close).state == "open"
    assert after(opened(), resolve).state == "open"
    assert after(opened(), close, resolve).state == "done"
    done = after(opened(), resolve, close)
    assert (done.state, done.closed_at, done.close_reason) == ("done", LATER, "gone")


def test_update_brings_news_and_keeps_what_it_does_not_tell() -> None:
    update = make_step("update", severity="critical", data={"people": 3})
    summary = after(opened(), update)
    assert (summary.severity, summary.updated_at, summary.opened_at) == ("critical", LATER, AT)
    assert summary.data == {"label": "person", "people": 3}
    assert summary.where == {"box": [0.1, 0.2, 0.3, 0.4]}
    assert after(summary, make_step("update", where={"box": [0, 0, 1, 1]})).where == {
        "box": [0, 0, 1, 1]
    }


def test_reason_of_the_close_is_told_apart_from_the_data() -> None:
    closed = after(opened(), make_step("close", data={"reason": "interrupted"}))
    assert (closed.close_reason, closed.data) == ("interrupted", {"label": "person"})


def test_closed_alert_stays_as_it_closed() -> None:
    closed = after(opened(), make_step("close", data={"reason": "gone"}))
    assert after(closed, make_step("update", data={"people": 9})) is closed
    assert after(closed, make_step("close", data={"reason": "again"})) is closed


def test_first_ack_and_last_verdict_count() -> None:
    summary = after(
        opened(),
        make_step("ack", data={"by": "one"}),
        make_step("ack", data={"by": "two"}, at_ms=AT_MS + 9000),
        make_step("resolve", data={"by": "one", "verdict": "real"}),
        make_step("resolve", data={"by": "two", "verdict": "false", "note": "a cat"}),
    )
    assert summary.acked == Acked(LATER, "one")
    assert summary.resolved == Resolved(LATER, "two", "false", "a cat")


def test_newest_snapshot_and_every_clip_are_shown() -> None:
    summary = after(
        opened(),
        media("a" * 64, "snapshot"),
        media("b" * 64, "clip"),
        media("c" * 64, "snapshot"),
        media("d" * 64, "clip"),
        media("d" * 64, "clip"),
    )
    assert [(each.role, each.sha256[0]) for each in summary.media] == [
        ("clip", "b"),
        ("snapshot", "c"),
        ("clip", "d"),
    ]
    assert (summary.media[0].from_t, summary.media[0].to_t) == (1.0, 2.0)


def test_file_that_is_gone_is_shown_no_longer() -> None:
    summary = after(opened(), media("a" * 64), media("b" * 64))
    gone = make_draft(
        feed="media", kind="media.gone", alert="A1", camera="yard", data={"sha256": "a" * 64}
    )
    assert [each.sha256 for each in after(summary, gone).media] == ["b" * 64]
    assert after(summary, replace(gone, data={"role": "clip"})) is summary


def test_another_camera_changes_nothing_of_an_alert() -> None:
    """An eye that was taken over must not close, or put pictures into, its neighbour's alerts."""
    summary = opened()
    for draft in (
        make_step("update", camera="gate", severity="info"),
        make_step("close", camera="gate"),
        make_step("open", camera="gate"),
        make_step("open"),
        media("a" * 64, camera="gate"),
    ):
        assert after(summary, draft) is summary


def test_station_acks_whatever_camera_it_names() -> None:
    for camera in (None, "yard"):
        assert after(opened(), make_step("ack", camera=camera)).acked is not None


def test_news_of_an_alert_that_was_never_opened_makes_none() -> None:
    for phase in ("update", "close", "ack", "resolve"):
        assert step(None, make_step(phase), seq=1, pole="P") is None
    assert step(None, media("a" * 64), seq=1, pole="P") is None


_steps = st.builds(
    lambda phase, camera, data, severity: make_step(
        phase, camera=camera, data=data, severity=severity
    ),
    st.sampled_from(["open", "update", "close", "ack", "resolve", "limited"]),
    st.sampled_from(["yard", "gate", None]),
    st.dictionaries(
        st.text(max_size=4) | st.sampled_from(["by", "verdict", "reason", "note"]),
        st.none() | st.text(max_size=4) | st.integers() | st.lists(st.integers(), max_size=2),
        max_size=6,
    ),
    st.sampled_from(["critical", "major", "minor", "info", None]),
)
_media = st.builds(
    lambda digit, role, camera: media(digit * 64, role, camera=camera),
    st.sampled_from("0123456789abcdef"),
    st.sampled_from(["snapshot", "clip", "thermal", "evidence"]),
    st.sampled_from(["yard", "gate"]),
)


@given(st.lists(_steps | _media, max_size=60))
def test_summary_holds_together_whatever_comes(drafts: list[Draft]) -> None:
    summary = reduce(lambda before, draft: after(before, draft), drafts, opened())
    assert (summary.id, summary.camera, summary.opened_at, summary.opened_seq) == (
        "A1", "yard", AT, 7,
    )  # fmt: skip
    assert (summary.state == "done") == bool(summary.closed_at and summary.resolved)
    assert len(summary.media) <= MEDIA_MAX
    assert len(summary.data) <= DATA_KEYS_MAX
    assert len({each.sha256 for each in summary.media}) == len(summary.media)
    assert parse_summary(encode_summary(summary)) == summary


def test_what_an_eye_gone_wrong_says_does_not_heap_up() -> None:
    summary = opened()
    for number in range(500):
        summary = after(summary, make_step("update", data={f"key{number}": number}))
    assert len(summary.data) <= DATA_KEYS_MAX
    assert summary.data["key499"] == 499
