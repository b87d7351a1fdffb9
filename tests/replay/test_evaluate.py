"""The evaluation itself, on hand-made truth and lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.model import Box
from tests.replay.evaluate import Row, evaluate_lines, format_faults, format_table, pool
from tests.replay.eye_run import AlertLine, EyeLines, TrackLine, parse_lines
from tests.replay.score import (
    find_at,
    make_samples,
    score_boxes,
    score_identity,
    score_visits,
)
from tests.replay.truth import Keyframe, Presence, Span, Truth, TruthBox, find_gaps

LEFT: Box = (0.1, 0.2, 0.2, 0.6)
RIGHT: Box = (0.6, 0.2, 0.7, 0.6)


def make_truth(
    *boxes: TruthBox, objects: tuple[Presence, ...] = (), empty: tuple[Span, ...] = ()
) -> Truth:
    """A clip of 20 s with one keyframe at 5 s."""
    return Truth(
        clip=Path("hand_made.mp4"),
        groups=("person",),
        duration_s=20.0,
        keyframes=(Keyframe(50, 5.0, boxes),),
        ignore=(),
        objects=objects,
        visits=tuple(one.span for one in objects),
        empty=empty,
    )


def make_track(track: int, box: Box, *, t: float = 5.0, label: str = "person") -> TrackLine:
    """One line of a live track."""
    return TrackLine(t, "update", track, label, box)


def make_alert(t: float, phase: str = "open") -> AlertLine:
    """One line of an alert."""
    return AlertLine(t, phase, "one", "anywhere", (1,), None)


def follow(track: int, span: Span) -> list[TrackLine]:
    """The lines of one track, five a second."""
    count = round((span.to_t - span.from_t) * 5) + 1
    return [make_track(track, LEFT, t=span.from_t + step / 5) for step in range(count)]


def people(*boxes: Box) -> tuple[TruthBox, ...]:
    """Truth boxes of people."""
    return tuple(TruthBox("person", box) for box in boxes)


def test_all_scores_are_one_when_boxes_are_the_truth() -> None:
    truth = make_truth(*people(LEFT, RIGHT))
    score = score_boxes(make_samples(truth, "person", [make_track(1, LEFT), make_track(2, RIGHT)]))
    assert (score.precision, score.recall, score.mean_iou) == (1.0, 1.0, 1.0)
    assert (score.truth_count, score.found_count, score.offset_s) == (2, 2, 0.0)
    assert score.faults == ()


def test_shifted_box_is_a_miss_and_a_false_box_when_overlap_is_under_half() -> None:
    truth = make_truth(*people(LEFT, RIGHT))
    # Half its width aside, two boxes share a third of what they cover.
    lines = [make_track(1, (0.15, 0.2, 0.25, 0.6)), make_track(2, RIGHT)]
    score = score_boxes(make_samples(truth, "person", lines))
    assert (score.precision, score.recall, score.mean_iou) == (0.5, 0.5, 1.0)
    assert [(fault.kind, fault.track) for fault in score.faults] == [("miss", None), ("false", 1)]
    assert [fault.best_iou for fault in score.faults] == pytest.approx([1 / 3, 1 / 3])


def test_shifted_box_is_a_match_when_overlap_is_over_half() -> None:
    truth = make_truth(*people(LEFT))
    score = score_boxes(make_samples(truth, "person", [make_track(1, (0.12, 0.2, 0.22, 0.6))]))
    assert (score.precision, score.recall) == (1.0, 1.0)
    assert score.mean_iou == pytest.approx(0.08 / 0.12)


def test_recall_is_nothing_and_precision_unknown_when_no_frame_is_near() -> None:
    truth = make_truth(*people(LEFT))
    score = score_boxes(make_samples(truth, "person", [make_track(1, LEFT, t=5.2)]))
    assert (score.precision, score.recall, score.offset_s) == (None, 0.0, None)


def test_scores_are_unknown_when_nothing_was_there_and_nothing_found() -> None:
    score = score_boxes(make_samples(make_truth(), "person", []))
    assert (score.precision, score.recall, score.mean_iou, score.faults) == (None, None, None, ())


def test_nearest_analysed_frame_is_taken_when_several_are_near() -> None:
    lines = [make_track(1, LEFT, t=4.9), make_track(1, RIGHT, t=5.06)]
    found, offset_s = find_at(lines, 5.0)
    assert [one.box for one in found] == [RIGHT]
    assert offset_s == pytest.approx(0.06)


def test_closed_track_counts_no_longer() -> None:
    closed = replace(make_track(1, LEFT), phase="close")
    assert find_at([closed], 5.0) == ((), None)


def test_box_is_dropped_when_its_centre_is_ignored_and_kept_when_beside() -> None:
    truth = replace(make_truth(*people(LEFT)), ignore=((0.6, 0.3, 1.0, 0.5),))
    lines = [make_track(1, LEFT), make_track(2, RIGHT), make_track(3, (0.4, 0.3, 0.62, 0.5))]
    score = score_boxes(make_samples(truth, "person", lines))
    assert [fault.track for fault in score.faults] == [3]
    assert score.precision == 0.5


def test_box_in_ignored_region_counts_when_the_truth_names_it() -> None:
    truth = replace(make_truth(*people(LEFT, RIGHT)), ignore=((0.6, 0.3, 1.0, 0.5),))
    found = score_boxes(make_samples(truth, "person", [make_track(1, LEFT), make_track(2, RIGHT)]))
    missed = score_boxes(make_samples(truth, "person", [make_track(1, LEFT)]))
    assert (found.precision, found.recall) == (1.0, 1.0)
    assert (missed.precision, missed.recall) == (1.0, 0.5)


def test_vehicle_box_is_no_person_and_every_kind_of_vehicle_is_a_vehicle() -> None:
    truth = make_truth(TruthBox("vehicle", LEFT), TruthBox("vehicle", RIGHT))
    lines = [make_track(1, LEFT, label="truck"), make_track(2, RIGHT, label="motorcycle")]
    assert make_samples(truth, "person", lines)[0].found == ()
    assert score_boxes(make_samples(truth, "vehicle", lines)).precision == 1.0


def test_rider_and_bicycle_are_one_cyclist_and_no_person() -> None:
    truth = make_truth(TruthBox("cyclist", LEFT))
    bicycle = make_track(2, (0.1, 0.4, 0.2, 0.6), label="bicycle")
    walker, rider = make_track(3, RIGHT), make_track(1, LEFT)
    lines = [rider, bicycle, walker]
    score = score_boxes(make_samples(truth, "cyclist", lines))
    assert (score.precision, score.recall) == (1.0, 1.0)
    assert [one.track for one in make_samples(truth, "person", lines)[0].found] == [3]


def test_bicycle_is_false_when_no_cyclist_is_near() -> None:
    lines = [make_track(2, RIGHT, label="bicycle")]
    score = score_boxes(make_samples(make_truth(TruthBox("cyclist", LEFT)), "cyclist", lines))
    assert [fault.kind for fault in score.faults] == ["miss", "false"]


VISITS = (Presence("first", Span(2.0, 8.0)), Presence("second", Span(12.0, 18.0)))
GAPS = (Span(0.0, 1.5), Span(8.5, 11.5), Span(18.5, 20.0))


def test_idf1_is_one_when_each_visitor_has_a_track_of_his_own() -> None:
    truth = make_truth(objects=VISITS, empty=GAPS)
    score = score_identity(truth, "person", follow(1, VISITS[0].span) + follow(2, VISITS[1].span))
    assert score is not None
    assert (score.idf1, score.switch_count) == (1.0, 0)
    assert (score.tracks_per_visit, score.objects_per_visit) == ((1, 1), (1, 1))
    assert score.track_count == 2


def test_idf1_falls_when_a_track_changes_its_id() -> None:
    truth = make_truth(objects=VISITS, empty=GAPS)
    lines = follow(1, Span(2.0, 4.8)) + follow(2, Span(5.0, 8.0)) + follow(3, VISITS[1].span)
    score = score_identity(truth, "person", lines)
    assert score is not None
    assert score.idf1 is not None
    assert 0.6 < score.idf1 < 0.9
    assert (score.switch_count, score.tracks_per_visit) == (1, (2, 1))


def test_idf1_falls_when_two_visitors_share_a_track() -> None:
    truth = make_truth(objects=VISITS, empty=GAPS)
    lines = follow(1, VISITS[0].span) + follow(1, VISITS[1].span)
    score = score_identity(truth, "person", lines)
    assert score is not None
    assert score.idf1 == pytest.approx(0.5, abs=0.02)


def test_idf1_falls_when_a_track_lives_on_in_empty_time() -> None:
    truth = make_truth(objects=VISITS[:1], empty=GAPS)
    kept = score_identity(truth, "person", follow(1, VISITS[0].span))
    ghost = score_identity(truth, "person", follow(1, Span(2.0, 11.0)))
    assert kept is not None
    assert ghost is not None
    assert kept.idf1 == 1.0
    assert ghost.idf1 is not None
    assert ghost.idf1 < 0.85


def test_visit_counts_once_when_its_alert_opens_in_time_late_or_never() -> None:
    truth = make_truth(objects=VISITS, empty=GAPS)
    in_time = score_visits(truth, [make_alert(2.5), make_alert(3.5), make_alert(14.9)])
    late = score_visits(truth, [make_alert(5.1)])
    assert in_time is not None
    assert late is not None
    assert (in_time.expected, in_time.in_time, in_time.late) == (2, 2, 0)
    assert (late.in_time, late.late, late.false_t) == (0, 1, ())


def test_alert_is_false_when_it_opens_in_empty_time_and_not_when_it_closes_there() -> None:
    truth = make_truth(objects=VISITS, empty=GAPS)
    score = score_visits(truth, [make_alert(2.5), make_alert(10.0, "close"), make_alert(9.5)])
    assert score is not None
    assert score.false_t == (9.5,)


def test_gaps_are_drawn_in_only_where_they_touch_a_visit() -> None:
    spans = (Span(2.0, 8.0), Span(8.4, 18.0))
    assert find_gaps(spans, duration_s=20.0, inset_s=0.5) == (Span(0.0, 1.5), Span(18.5, 20.0))
    assert find_gaps((), duration_s=20.0, inset_s=0.5) == ()


def test_lines_are_sorted_by_kind_and_unknown_kinds_stay_text() -> None:
    head = '"camera":"c","t":1.5,"at":"2026-01-01T00:00:00.000Z"'
    lines = parse_lines(
        [
            f'{{"kind":"source",{head},"width":64,"height":48}}',
            f'{{"kind":"track",{head},"phase":"open","track":7,"label":"car",'
            '"box":[0.1,0.2,0.2,0.6],"stationary":true}',
            f'{{"kind":"alert",{head},"phase":"open","alert":"a1","rule":{{"type":"intrusion",'
            '"name":"n"},"severity":"major","tracks":[7],"data":{},"where":{"box":[0,0,1,1]}}',
            f'{{"kind":"media",{head},"alert":"a1","role":"clip","file":null,"type":"video/mp4",'
            '"from_t":0,"to_t":1.5,"bytes":0,"sha256":null}',
            f'{{"kind":"end",{head},"reason":"end of file"}}',
        ]
    )
    assert lines.tracks == (TrackLine(1.5, "open", 7, "car", LEFT),)
    assert [(line.alert, line.box) for line in lines.opened] == [("a1", (0.0, 0.0, 1.0, 1.0))]
    assert [(line.role, line.file) for line in lines.media] == [("clip", None)]
    assert (len(lines.texts), lines.end_reason) == (5, "end of file")


def test_limited_alert_opens_nothing() -> None:
    head = '"camera":"c","t":1.5,"at":"2026-01-01T00:00:00.000Z"'
    line = (
        f'{{"kind":"alert",{head},"phase":"limited","rule":{{"type":"intrusion","name":"n"}},'
        '"severity":"major","data":{"count":4}}'
    )
    assert parse_lines([line]).opened == ()


def test_row_says_which_aims_were_reached() -> None:
    truth = make_truth(*people(LEFT, RIGHT), objects=VISITS, empty=GAPS)
    lines = EyeLines(tracks=(make_track(1, LEFT),), alerts=(make_alert(2.0), make_alert(9.0)))
    (row,) = evaluate_lines(truth, lines)
    assert row.aims == {
        "P>=0.85": True,
        "R>=0.85": False,
        "2/2 visits": False,
        "0 false alerts": False,
    }
    assert [text.split()[0] for text in format_faults([row])] == ["miss:", "false"]


def test_table_has_a_line_for_each_row_and_pools_the_clips() -> None:
    truth = make_truth(*people(LEFT))
    results = [(truth, EyeLines(tracks=(make_track(1, LEFT),))), (truth, EyeLines())]
    rows = [row for one, lines in results for row in evaluate_lines(one, lines)] + pool(results)
    head, *body = format_table([*rows, Row("faces", "-")]).splitlines()
    assert head.split()[:4] == ["clip", "label", "truth", "found"]
    assert [line.split()[:6] for line in body] == [
        ["hand_made", "person", "1", "1", "1.00", "1.00"],
        ["hand_made", "person", "1", "0", "-", "0.00"],
        ["all", "person", "2", "1", "1.00", "0.50"],
        ["faces", "-", "-", "-", "-", "-"],
    ]
