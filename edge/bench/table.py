"""Writes what the bench found, as a table for people or as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.bench.rows import Name, Row, Series
from edge.model import Json

_HEADINGS = ("row", "measure", "must", "reach", "got", "verdict")
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run found: `setting` says on what (machine, clip, rounds)."""

    rows: Sequence[Row]
    figures: Mapping[Name, Series]
    setting: Mapping[str, Json]
    notes: Sequence[str]


def write_table(report: Report) -> str:
    """Write rows, the figures behind them, and what they rest on."""
    cells = [_HEADINGS, *(_cells(row) for row in report.rows)]
    lines = _align(cells)
    lines += ["", "behind them, medians (CPU s per video s where not said otherwise):"]
    known = [
        (name, _show(series.middle)) for name, series in report.figures.items() if series.values
    ]
    lines += [f"  {line}" for line in _align(known)]
    lines += ["", ", ".join(f"{key} {value}" for key, value in report.setting.items())]
    lines += report.notes
    return "\n".join(lines) + "\n"


def write_json(report: Report) -> str:
    """Write one object: `rows`, `figures` (every round's value), `setting`, `notes`."""
    fields = {
        "kind": "bench",
        "setting": dict(report.setting),
        "rows": [
            {
                "row": row.budget.row,
                "measure": row.budget.measure,
                "must": row.budget.must,
                "reach": row.budget.reach,
                "is_least": row.budget.is_least,
                "got": _round(row.got),
                "verdict": row.verdict,
                "reached": row.is_reached,
                "reason": row.reason or None,
            }
            for row in report.rows
        ],
        "figures": {
            name: [_round(value) for value in series.values]
            for name, series in report.figures.items()
        },
        "notes": list(report.notes),
    }
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    sign = "≥" if row.budget.is_least else "≤"
    verdict = f"{row.verdict}: {row.reason}" if row.reason else row.verdict
    if row.is_reached:
        verdict += ", and the aim"
    return (
        row.budget.row,
        row.budget.measure,
        f"{sign} {row.budget.must:g}",
        f"{sign} {row.budget.reach:g}",
        _show(row.got),
        verdict,
    )


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
