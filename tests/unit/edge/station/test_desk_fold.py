"""What an alert has come to: poles' records and desks' words, in any order they may come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.feeds import ClockReading, Draft
from edge.station.desk_alert import DeskAlert
from edge.station.desk_fold import (
    FOLD_BYTES_MAX,
    IN_OUR_NAME,
    NO_BEGINNING,
    NOTES_BYTES_MAX,
    NOTES_MAX,
    STATIONS_OWN,
    TOO_LONG,
    DeskFold,
    FileStand,
    Origin,
    cut_down,
    encode_alert,
    encode_fold,
    make_stub,
    parse_fold,
    show,
    step,
    with_file,
)
from edge.wire import parse_utc
from tests.support.drafts import AT_MS
from tests.support.station_store import make_alert, make_file, make_word

POLE = Origin("SG-017", "east", AT_MS + 500, token_name="station-token", pole_id="SG-017")
DESK = replace(POLE, is_own=True)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=6,
)


def fold_all(*drafts: Draft) -> DeskFold:
    """Fold records of a pole and words of desks; which is which, their ids tell."""
    fold: DeskFold | None = None
    for draft in drafts:
        fold = step(fold, draft, DESK if draft.id.startswith("01S") else POLE)
    assert fold is not None
    return fold


def shown(*drafts: Draft) -> DeskAlert:
    return show(fold_all(*drafts), change=1)


def pole_says(kind: str, by: str, **data: Any) -> Draft:
    return make_alert(1, kind, camera=None, data={"by": by, **data})


def test_alert_is_new_until_somebody_acknowledges_and_done_when_closed_and_resolved() -> None:
    opened = fold_all(make_alert(1))
    assert (opened.is_open, opened.is_new) == (True, True)
    acked = fold_all(make_alert(1), make_word(1, "alert.ack"))
    assert (acked.is_open, acked.is_new) == (True, False)
    resolved = fold_all(make_alert(1), make_word(1, "alert.resolve", verdict="false"))
    assert (resolved.is_open, resolved.is_new) == (True, False)
    done = fold_all(
        make_alert(1), make_word(1, "alert.resolve", verdict="real"), make_alert(1, "alert.close")
    )
    assert (done.is_open, done.is_new, show(done, change=1).state) == (False, False, "done")


def test_words_of_desks_are_shown_with_who_said_them() -> None:
    alert = shown(
        make_alert(1),
        make_word(1, "alert.seen", by="wu"),
        make_word(1, "alert.seen", by="chen"),
        make_word(1, "alert.ack", by="chen", note="going"),
        make_word(1, "alert.note", by="chen", text="<b>patrol 3 sent</b>"),
        make_word(1, "alert.hold", by="li", case="2026-17"),
    )
    assert alert.seen is not None
    assert alert.seen.by == "wu"
    assert alert.acked is not None
    assert alert.acked.by == "chen"
    assert [note.text for note in alert.notes] == ["<b>patrol 3 sent</b>"]
    assert alert.hold is not None
    assert alert.hold.text == "2026-17"
    ended = step(fold_all(make_alert(1)), make_word(1, "alert.hold", case=None), DESK)
    assert ended is not None
    assert ended.hold is None


def test_notes_are_bounded_and_the_newest_stay() -> None:
    notes = [make_word(1, "alert.note", text=str(number)) for number in range(NOTES_MAX + 5)]
    alert = shown(make_alert(1), *notes)
    assert [note.text for note in alert.notes][-1] == str(NOTES_MAX + 4)
    assert len(alert.notes) == NOTES_MAX


@pytest.mark.parametrize("text", ["处" * 500, "\U0001f525" * 500])
def test_long_notes_leave_what_the_pole_told_and_mark_nothing(text: str) -> None:
    opened = make_alert(1, data={"level": "alarm", "text": "z" * 10**5}, where={"zone": "quay"})
    notes = [make_word(1, "alert.note", text=f"{number}{text}") for number in range(NOTES_MAX)]
    fold = cut_down(fold_all(opened, *notes))
    alert = show(fold, change=1)
    assert (alert.flaw, alert.data, alert.where) == ("", opened.data, opened.where)
    assert alert.notes[-1].text == f"{NOTES_MAX - 1}{text}"
    assert len(encode_fold(replace(fold, notes=()))) + NOTES_BYTES_MAX > len(encode_fold(fold))


@pytest.mark.parametrize("kind", ["alert.seen", "alert.note", "alert.hold"])
def test_words_that_only_desks_have_are_not_heeded_when_a_pole_says_them(kind: str) -> None:
    fold = fold_all(make_alert(1))
    said = pole_says(kind, "mallory", text="x", case="x")
    assert step(fold, said, POLE) is fold
    assert step(None, said, POLE) is None


def test_own_ack_keeps_the_person_when_it_comes_back_from_the_pole() -> None:
    alert = shown(
        make_alert(1),
        make_word(1, "alert.ack", by="chen"),
        pole_says("alert.ack", "station-token", note="chen"),
    )
    assert alert.acked is not None
    assert alert.acked.by == "chen"


def becomes(severity: str) -> Draft:
    return make_alert(1, "alert.update", severity=severity)


def test_alert_is_new_again_when_it_becomes_worse_than_was_acknowledged() -> None:
    opened = make_alert(1, severity="minor")
    first, second = make_word(1, "alert.ack", by="chen"), make_word(1, "alert.ack", by="wu")
    assert not fold_all(opened, first, becomes("info")).is_new
    assert not fold_all(opened, first, becomes("info"), becomes("minor")).is_new
    worse = fold_all(opened, first, becomes("critical"))
    assert worse.is_new
    assert worse.acked is not None
    assert (worse.acked.by, worse.acked.severity) == ("chen", "minor")
    known = fold_all(opened, first, becomes("critical"), second)
    assert not known.is_new
    assert known.acked is not None
    assert (known.acked.by, known.acked.severity) == ("wu", "critical")
    assert known.summary.acked is not None
    assert known.summary.acked.by == "chen"  # by whom response times go


def test_own_ack_that_comes_back_late_does_not_cover_what_became_worse() -> None:
    fold = fold_all(
        make_alert(1, severity="minor"),
        make_word(1, "alert.ack", by="chen"),
        becomes("critical"),
        pole_says("alert.ack", "station-token"),
    )
    assert fold.is_new


def test_ack_of_another_station_counts() -> None:
    alert = shown(make_alert(1), pole_says("alert.ack", "hq"))
    assert alert.acked is not None
    assert alert.acked.by == "hq@SG-017"


@pytest.mark.parametrize(
    ("name", "shown_as"),
    [
        ("li", "li@SG-017"),
        ("", "@SG-017"),
        (None, "@SG-017"),
        ("li\u202e\n", "li\ufffd\ufffd@SG-017"),
        ("x" * 1000, f"{'x' * 64}@SG-017"),
    ],
)
def test_pole_never_speaks_as_one_of_our_people(name: Any, shown_as: str) -> None:
    acked = pole_says("alert.ack", name)
    alert = shown(make_alert(1), acked, pole_says("alert.resolve", name, verdict="false"))
    assert alert.acked is not None
    assert alert.resolved is not None
    assert (alert.acked.by, alert.resolved.by) == (shown_as, shown_as)
    assert "@" in shown_as  # which the configuration lets into no person's name


def test_own_verdict_is_the_last_one_when_the_pole_heard_it_after_anothers() -> None:
    own = make_word(1, "alert.resolve", by="chen", verdict="false")
    other = pole_says("alert.resolve", "hq", verdict="real")
    echo = pole_says("alert.resolve", "station-token", verdict="false", note="chen")
    between = shown(make_alert(1), own, other)
    assert between.resolved is not None
    assert between.resolved.by == "hq@SG-017"
    alert = shown(make_alert(1), own, other, echo)
    assert alert.resolved is not None
    assert (alert.resolved.by, alert.resolved.verdict) == ("chen", "false")


def test_echo_of_an_older_verdict_does_not_undo_a_newer_one() -> None:
    alert = shown(
        make_alert(1),
        make_word(1, "alert.resolve", by="chen", verdict="false"),
        make_word(1, "alert.resolve", by="wu", verdict="real"),
        pole_says("alert.resolve", "station-token", verdict="false"),
    )
    assert alert.resolved is not None
    assert (alert.resolved.by, alert.resolved.verdict) == ("wu", "real")


def test_verdict_by_our_token_counts_when_the_station_has_forgotten_it() -> None:
    alert = shown(make_alert(1), pole_says("alert.resolve", "station-token", verdict="real"))
    assert alert.resolved is not None
    assert alert.resolved.by == "station-token@SG-017"


@pytest.mark.parametrize(
    ("ahead_ms", "came_after_ms", "state", "late", "trust"),
    [
        (0, 500, "synced", False, "synced"),
        (0, 60_001, "synced", True, "synced"),
        (0, 60_000, "holdover", False, "holdover"),
        (0, 600_000, "unset", False, "unset"),
        (0, -60_001, "synced", False, "wrong"),
        (60_001, 500, "synced", False, "wrong"),
        (-(10**12), 600_000, "synced", False, "wrong"),
    ],
)
def test_time_is_marked_late_only_by_a_clock_that_can_be_trusted(
    ahead_ms: int, came_after_ms: int, state: str, late: bool, trust: str
) -> None:
    clock: Any = ClockReading(state, "b", 1)  # type: ignore[arg-type]
    origin = replace(POLE, received_ms=AT_MS + came_after_ms, clock_ahead_ms=ahead_ms)
    fold = step(None, replace(make_alert(1), clock=clock), origin)
    assert fold is not None
    told = show(fold, change=1)
    assert (told.late, told.trust) == (late, trust)
    assert parse_utc(told.received_at) == origin.received_ms


def test_files_are_shown_with_how_far_they_have_come() -> None:
    fold = fold_all(make_alert(1), make_file(1, b"clip"), make_file(1, b"still", "snapshot"))
    clip, still = show(fold, change=1).media
    assert (clip.state, still.state) == ("waiting", "waiting")
    assert clip.href == f"/v1/media/SG-017/{clip.sha256}"
    fold = with_file(fold, clip.sha256, FileStand("here"))
    fold = with_file(fold, "0" * 64, FileStand("here"))
    clip, still = show(fold, change=2).media
    assert (clip.state, still.state) == ("here", "waiting")


def test_file_that_is_here_stays_when_the_pole_has_it_no_more() -> None:
    ready = make_file(1, b"clip")
    sha256 = ready.media[0]["sha256"]
    gone = make_alert(1, "media.gone", feed="media", data={"sha256": sha256, "reason": "quota"})
    fold = fold_all(make_alert(1), ready)
    lost = step(fold, gone, POLE)
    assert lost is not None
    assert [(each.state, each.reason) for each in show(lost, change=1).media] == [("gone", "quota")]
    kept = step(with_file(fold, str(sha256), FileStand("here")), gone, POLE)
    assert kept is not None
    assert [each.state for each in show(kept, change=1).media] == ["here"]


def test_file_that_was_never_made_is_named() -> None:
    data = {"role": "clip", "reason": "the eye ended"}
    alert = shown(make_alert(1), make_alert(1, "media.gone", feed="media", data=data))
    assert [(each.role, each.state, each.reason, each.sha256) for each in alert.media] == [
        ("clip", "gone", "the eye ended", "")
    ]


def test_alert_without_a_beginning_is_shown_and_marked() -> None:
    alert = shown(make_alert(1, "alert.update", severity="critical", data={"level": "alarm"}))
    assert (alert.flaw, alert.severity, alert.state) == (NO_BEGINNING, "critical", "open")
    assert alert.data == {"level": "alarm"}
    closed = shown(make_alert(1, "alert.close", data={"reason": "over"}))
    assert (closed.severity, closed.close_reason) == ("major", "over")
    assert closed.closed_at is not None


def test_alert_that_a_pole_tells_in_the_stations_name_is_renamed_and_marked() -> None:
    rule = {"type": STATIONS_OWN, "name": "silent"}
    told = shown(make_alert(1, rule=rule, data={"poles": {"SG-018": {"since": "never"}}}))
    assert (told.rule["type"], told.flaw) == ("not-station", IN_OUR_NAME)
    assert shown(make_alert(1, "alert.update", rule=rule)).rule["type"] == "not-station"
    own = step(None, make_alert(1, rule=rule), DESK)
    assert own is not None
    assert (own.summary.rule["type"], own.flaw) == ("station", "")


def test_media_alone_open_nothing_until_it_is_said() -> None:
    ready = make_file(1, b"clip")
    assert step(None, ready, POLE) is None
    stub = make_stub(ready, POLE)
    assert (stub.flaw, len(show(stub, change=1).media)) == (NO_BEGINNING, 1)


def test_stub_is_whole_when_its_beginning_comes_after_all() -> None:
    drafts = [
        make_alert(1, data={"level": "watch", "area_px": 9}),
        make_alert(1, "alert.update", data={"level": "alarm"}),
        make_alert(1, "alert.close", data={"reason": "over"}),
    ]
    in_order, healed = shown(*drafts), shown(*drafts[1:], drafts[0])
    assert healed == in_order


def test_record_that_does_not_follow_marks_its_alert() -> None:
    flawed = replace(POLE, flaw="missing: 3 records")
    opened = step(None, make_alert(1), flawed)
    assert opened is not None
    assert opened.flaw == "missing: 3 records"
    fold = step(fold_all(make_alert(1)), make_alert(1, "alert.close"), flawed)
    assert fold is not None
    assert fold.flaw == "missing: 3 records"


def test_alert_that_is_too_long_is_cut_down_and_marked_and_still_goes_on() -> None:
    rule = {"type": "x" * 10**5, "name": "n", "more": "y" * 10**5}
    fold = fold_all(make_alert(1, rule=rule, data={"text": "z" * 10**5}), make_file(1, b"clip"))
    assert len(encode_fold(fold)) > FOLD_BYTES_MAX
    small = cut_down(fold)
    assert len(encode_fold(small)) < 2000
    assert (small.flaw, small.summary.media) == (TOO_LONG, fold.summary.media)
    closed = step(small, make_alert(1, "alert.close"), POLE)
    assert closed is not None
    assert closed.summary.closed_at is not None


@pytest.mark.parametrize(
    "said",
    [
        pole_says("alert.ack", "x" * 10**6),
        pole_says("alert.resolve", "x" * 10**6, verdict="y" * 10**6, note="z" * 10**6),
        make_alert(1, "alert.close", data={"reason": "x" * 10**6}),
        make_alert(1, "alert.update", data={"text": "x" * 10**6}, where={"zone": "x" * 10**6}),
    ],
)
def test_alert_is_within_its_bound_whatever_its_pole_says(said: Draft) -> None:
    notes = [make_word(1, "alert.note", text="处" * 500) for _ in range(NOTES_MAX)]
    fold = cut_down(fold_all(make_alert(1), *notes, said))
    assert len(encode_fold(fold)) <= FOLD_BYTES_MAX + NOTES_BYTES_MAX


DRAFTS: Sequence[Draft] = (
    make_alert(1),
    make_alert(1, "alert.update", data={"level": "alarm"}, severity="critical"),
    make_alert(1, "alert.close", data={"reason": "over"}),
    make_file(1, b"clip"),
    make_file(1, b"still", "snapshot"),
    make_alert(1, "media.gone", feed="media", data={"role": "clip", "reason": "r"}),
    pole_says("alert.ack", "hq"),
    pole_says("alert.resolve", "station-token", verdict="real"),
    make_word(1, "alert.seen"),
    make_word(1, "alert.ack"),
    make_word(1, "alert.note", text="x"),
    make_word(1, "alert.resolve", verdict="false"),
    make_word(1, "alert.hold", case="7"),
)


@given(st.lists(st.sampled_from(DRAFTS), max_size=20))
def test_fold_reads_back_as_it_was_and_never_leaves_out_an_alert(drafts: list[Draft]) -> None:
    fold: DeskFold | None = None
    for draft in drafts:
        after = step(fold, draft, DESK if draft.id.startswith("01S") else POLE)
        assert after is not None or fold is None
        fold = after
    told = [draft for draft in drafts if draft.feed == "alerts" and not draft.id.startswith("01S")]
    if told:
        assert fold is not None
    if fold is not None:
        assert parse_fold(encode_fold(fold)) == fold
        assert fold.is_open or not fold.is_new


@given(
    kind=st.sampled_from([draft.kind for draft in DRAFTS]),
    feed=st.sampled_from(["alerts", "media"]),
    data=st.dictionaries(
        st.sampled_from(["by", "verdict", "note", "reason", "sha256", "role", "from_t", "to_t"]),
        JSON,
    ),
    rule=st.none() | st.dictionaries(st.sampled_from(["type", "name"]), JSON),
    media=st.lists(
        st.dictionaries(st.sampled_from(["role", "type", "bytes", "sha256", "href"]), JSON),
        max_size=3,
    ),
    severity=st.sampled_from([None, "major", "worst"]),
)
def test_no_record_that_a_pole_may_write_makes_an_alert_that_can_not_be_read(
    **fields: Any,
) -> None:
    hostile = make_alert(1, **fields)
    for before in (None, fold_all(make_alert(1))):
        fold = step(before, hostile, POLE)
        if fold is not None:
            assert parse_fold(encode_fold(fold)).summary == fold.summary
            msgspec.json.decode(encode_alert(show(fold, change=1)), type=DeskAlert)
