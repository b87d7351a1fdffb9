"""`python -m tests.replay.evaluate`: an eye's tracks and alerts against the truth, in one table.

Runs the real command on each clip that has a truth file. Prints the table, then one line for each
box missed or made up and each alert out of place; with `--json` the same as one object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.replay import pictures
from tests.replay.eye_run import EyeFailed, EyeLines, EyeRun, run_eye
from tests.replay.score import (
    BoxScore,
    IdentityScore,
    Sample,
    VisitScore,
    make_samples,
    score_boxes,
    score_identity,
    score_visits,
)
from tests.replay.truth import GROUPS, Truth, load_all, video_folder

PRECISION_AIM = {"person": 0.85, "vehicle": 0.92}
RECALL_AIM = {"person": 0.85, "vehicle": 0.92}
HEADINGS = (
    *("clip", "label", "truth", "found", "P", "R", "IoU", "off s", "IDF1", "switch"),
    *("tracks", "alerts", "exp", "got", "late", "false", "wall s", "cpu/s", "infer", "aim", "met"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One clip and label; `clip` "all" pools the boxes of every clip."""

    clip: str
    label: str
    boxes: BoxScore | None = None
    identity: IdentityScore | None = None
    visits: VisitScore | None = None
    alert_count: int | None = None
    wall_s: float | None = None
    cpu_per_video_s: float | None = None
    inference_count: int | None = None

    @property
    def aims(self) -> dict[str, bool]:
        """What is aimed at here, in words, and whether it was reached."""
        aims: dict[str, bool] = {}
        if self.boxes and self.boxes.truth_count and self.label in PRECISION_AIM:
            precision, recall = PRECISION_AIM[self.label], RECALL_AIM[self.label]
            aims[f"P>={precision}"] = (self.boxes.precision or 0.0) >= precision
            aims[f"R>={recall}"] = (self.boxes.recall or 0.0) >= recall
        if self.visits:
            expected = self.visits.expected
            aims[f"{expected}/{expected} visits"] = self.visits.in_time == expected
            aims["0 false alerts"] = not self.visits.false_t
        if self.identity and self.label == "vehicle":
            wanted = self.identity.objects_per_visit
            aims[f"{'+'.join(map(str, wanted))} tracks"] = (
                self.identity.tracks_per_visit == wanted
                and self.identity.track_count == sum(wanted)
            )
        return aims


def evaluate_lines(truth: Truth, lines: EyeLines) -> list[Row]:
    """Score what one eye printed, a row for each group the truth of the clip names."""
    rows = []
    for group in truth.groups:
        samples = make_samples(truth, group, lines.tracks)
        row = Row(
            clip=truth.name,
            label=group,
            boxes=score_boxes(samples) if samples else None,
            identity=score_identity(truth, group, lines.tracks),
            visits=score_visits(truth, lines.alerts),
            alert_count=len(lines.opened),
        )
        rows.append(row)
    return rows or [Row(clip=truth.name, label="-", alert_count=len(lines.opened))]


def evaluate_run(truth: Truth, run: EyeRun) -> list[Row]:
    """Score one run and add what it cost."""
    # The count in a sight line runs from the eye's start.
    inferences = max((sight.inferences for sight in run.lines.sights), default=None)
    return [
        Row(
            clip=row.clip,
            label=row.label,
            boxes=row.boxes,
            identity=row.identity,
            visits=row.visits,
            alert_count=row.alert_count,
            wall_s=run.wall_s,
            cpu_per_video_s=run.cpu_s / truth.duration_s,
            inference_count=inferences,
        )
        for row in evaluate_lines(truth, run.lines)
    ]


def pool(results: Sequence[tuple[Truth, EyeLines]]) -> list[Row]:
    """Score the boxes of all clips together, a row for each group with any."""
    rows = []
    for group in GROUPS:
        samples: list[Sample] = []
        for truth, lines in results:
            if group in truth.groups:
                samples += make_samples(truth, group, lines.tracks)
        if samples:
            rows.append(Row(clip="all", label=group, boxes=score_boxes(samples)))
    return rows


def format_table(rows: Sequence[Row]) -> str:
    """Lay rows out as text, a dash where there is nothing to say."""
    cells = [HEADINGS, *(_format_row(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def format_faults(rows: Sequence[Row]) -> Iterator[str]:
    """Say each box missed or made up and each alert out of place, one a line."""
    for row in (row for row in rows if row.clip != "all"):
        for fault in row.boxes.faults if row.boxes else ():
            box = ",".join(f"{value:.3f}" for value in fault.box)
            who = "" if fault.track is None else f" track={fault.track} label={fault.label}"
            yield (
                f"{fault.kind}: clip={row.clip} group={row.label} t={fault.t:.2f}"
                f" box={box} best_iou={fault.best_iou:.2f}{who}"
            )
        for t in row.visits.false_t if row.visits else ():
            yield f"false alert: clip={row.clip} t={t:.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when every clip ran, whatever it scored, 1 when one did not."""
    options = _make_parser().parse_args(arguments)
    folder = options.data or video_folder()
    if folder is None:
        sys.stderr.write("no clips with truth files: give their folder with --data\n")
        return 2
    truths = [t for t in load_all(folder) if not options.clips or t.name in options.clips]
    with tempfile.TemporaryDirectory() as scratch:
        runs = []
        for truth in truths:
            try:
                out_dir = (options.out or Path(scratch)) / truth.name
                runs.append((truth, run_eye(truth.clip, out_dir, polewatch=options.polewatch)))
            except EyeFailed as exc:
                sys.stderr.write(f"{exc}\n")
        _report(options, runs)
    return 0 if len(runs) == len(truths) else 1


def _report(options: argparse.Namespace, runs: Sequence[tuple[Truth, EyeRun]]) -> None:
    rows = [row for truth, run in runs for row in evaluate_run(truth, run)]
    rows += pool([(truth, run.lines) for truth, run in runs])
    if options.json:
        table = [{**asdict(row), "aims": row.aims} for row in rows]
        sys.stdout.write(json.dumps({"rows": table}, ensure_ascii=False) + "\n")
    else:
        faults = "\n".join(format_faults(rows))
        sys.stdout.write(f"{format_table(rows)}\n\n{faults}\n")
    if options.draw:
        for truth, run in runs:
            pictures.draw_keyframes(truth, run.lines.tracks, options.draw)
    if options.contact_sheet:
        pictures.save_contact_sheet([run for _, run in runs], options.contact_sheet)


def _format_row(row: Row) -> tuple[str, ...]:
    costs = (row.wall_s, row.cpu_per_video_s, row.inference_count)
    return (
        *(row.clip, row.label),
        *_format_boxes(row.boxes),
        *_format_identity(row.identity),
        _format(row.alert_count),
        *_format_visits(row.visits),
        *(_format(cost) for cost in costs),
        ", ".join(row.aims) or "-",
        ("yes" if all(row.aims.values()) else "NO") if row.aims else "-",
    )


def _format_boxes(boxes: BoxScore | None) -> tuple[str, ...]:
    if boxes is None:
        return ("-",) * 6
    counts = (boxes.truth_count, boxes.found_count)
    shares = (boxes.precision, boxes.recall, boxes.mean_iou, boxes.offset_s)
    return tuple(_format(value) for value in (*counts, *shares))


def _format_identity(identity: IdentityScore | None) -> tuple[str, ...]:
    if identity is None:
        return ("-",) * 3
    tracks = "+".join(map(str, identity.tracks_per_visit))
    return (
        *(_format(identity.idf1), _format(identity.switch_count)),
        f"{tracks} of {identity.track_count}",
    )


def _format_visits(visits: VisitScore | None) -> tuple[str, ...]:
    if visits is None:
        return ("-",) * 4
    counts = (visits.expected, visits.in_time, visits.late, len(visits.false_t))
    return tuple(_format(count) for count in counts)


def _format(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.replay.evaluate", description=__doc__)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="names of clips; all when none")
    parser.add_argument("--data", type=Path, help="folder of clips and *.gt.json")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    parser.add_argument("--polewatch", metavar="PATH", help="the command to run")
    parser.add_argument("--out", type=Path, help="keep clips and snapshots here")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="write keyframes with boxes")
    parser.add_argument("--contact-sheet", type=Path, metavar="FILE", help="all snapshots")
    return parser


if __name__ == "__main__":
    sys.exit(main())
