"""What people and programs get to read."""

from __future__ import annotations

import json

from edge.bench.rows import Name, Series, make_rows
from edge.bench.table import Report, write_json, write_table


def make_report() -> Report:
    figures: dict[Name, Series] = {
        "idle": Series((0.013, 0.0131)),
        "decode_quiet": Series((0.1, 0.1)),
        "motion": Series((), "motion is not installed; run: apt-get install motion"),
    }
    return Report(make_rows(figures), figures, {"cores": 2, "rounds": 2}, ["a note"])


def test_table_shows_must_reach_got_and_verdict() -> None:
    lines = write_table(make_report()).splitlines()
    assert lines[0].split() == ["row", "measure", "must", "reach", "got", "verdict"]
    first = next(line for line in lines if line.startswith("P1 "))
    assert first.split("  ")[-1] == "met, and the aim"
    assert "≤ 0.18" in first
    assert "0.13" in first
    fourth = next(line for line in lines if line.startswith("P4 main"))
    assert fourth.endswith("not measured: motion is not installed; run: apt-get install motion")
    assert "≥ 8" in fourth
    assert lines[-2:] == ["cores 2, rounds 2", "a note"]


def test_json_holds_rows_and_every_round() -> None:
    report = json.loads(write_json(make_report()))
    assert report["kind"] == "bench"
    assert report["figures"] == {
        "idle": [0.013, 0.0131],
        "decode_quiet": [0.1, 0.1],
        "motion": [],
    }
    assert report["rows"][0] == {
        "row": "P1",
        "measure": "idle, main stream only / bare decode",
        "must": 0.18,
        "reach": 0.14,
        "is_least": False,
        "got": 0.1305,
        "verdict": "met",
        "reached": True,
        "reason": None,
    }
    assert {row["verdict"] for row in report["rows"][1:]} == {"not measured"}
    assert report["setting"] == {"cores": 2, "rounds": 2}
