"""`polewatch station stats` on a store."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from tests.support.drafts import AT_MS
from tests.support.station_process import write_station
from tests.support.station_store import PolePages, make_alert, make_store, make_word

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Three alerts at 22:13:20 on 21 September 2026 in Shanghai; two acknowledged after 20 s."""

    async def fill() -> None:
        async with make_store(tmp_path / "kept") as store:
            pages = PolePages()
            for number in range(1, 4):
                rule = {"type": "fire", "name": "北门" if number == 1 else "yard\x1b[31m"}
                await store.keep(pages.page(make_alert(number, rule=rule)))
            for number, verdict in ((1, "real"), (2, "false")):
                acked = replace(make_word(number, "alert.ack"), at_ms=AT_MS + 20_000)
                await store.say([acked])
                await store.say([make_word(number, "alert.resolve", verdict=verdict)])

    asyncio.run(fill())
    return write_station(tmp_path, {}, port=1).config


SPAN = ("--from", "2026-09-21", "--to", "2026-09-21")


def stats(capsys: pytest.CaptureFixture[str], config: Path, *words: str) -> str:
    assert main(["station", "stats", "--config", str(config), *words]) == 0
    return capsys.readouterr().out


def test_table_is_for_people_and_no_name_moves_the_cursor(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heading, *rows = stats(capsys, config, *SPAN).splitlines()
    assert heading.split()[:4] == ["rule", "alerts", "critical", "major"]
    assert [row.split()[0] for row in rows] == ["fire/yard?[31m", "fire/北门", "total"]
    total = rows[-1].split()
    assert total[1:7] == ["3", "0", "3", "0", "0", "0"]
    assert (total[9], " ".join(total[10:12]), total[-1]) == ("2/3", "20.0 s", "50%")
    assert "\x1b" not in "".join(rows)


def test_span_is_by_the_station_s_days(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is 22:13 there, and the day ends with the day that is named."""

    def count(*words: str) -> int:
        found: Any = json.loads(stats(capsys, config, "--json", *words))
        return int(found["tables"][0]["total"]["alerts"])

    assert count(*SPAN) == 3
    assert count("--from", "2026-09-22", "--to", "2026-09-23") == 0
    assert count("--from", "2026-09-21T22:00", "--to", "2026-09-21T22:14") == 3
    assert count("--from", "2026-09-21T14:14Z", "--to", "2026-09-22") == 0
    assert count("--to", "2026-09-22") == 3


def test_json_has_each_table_that_was_asked_for(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: Any = json.loads(stats(capsys, config, "--json", "--by", "hour", "--by", "shift", *SPAN))
    assert (found["timezone"], found["since"]) == ("Asia/Shanghai", "2026-09-20T16:00:00.000Z")
    hours, shifts = found["tables"]
    assert [row["alerts"] for row in hours["rows"]].index(3) == 22
    assert [row["key"] for row in shifts["rows"]] == ["2026-09-21 20:00"]
    assert shifts["total"]["acked_median_s"] == 20.0


def test_csv_is_one_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(stats(capsys, config, "--csv", "--by", "person", *SPAN))))
    assert [row[:2] for row in rows] == [
        ["person", "alerts"],
        ["chen", "2"],
        ["", "1"],
        ["total", "3"],
    ]
    assert (
        main(["station", "stats", "--config", str(config), "--csv", "--by=day", "--by=pole"]) == 2
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--from", "yesterday"), "'yesterday' is no time"),
        (("--from", "2026-13-01"), "'2026-13-01' is no time"),
        (("--from", "2026-09-22", "--to", "2026-09-20"), "is not before --to"),
    ],
)
def test_time_that_is_none_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], problem: str
) -> None:
    assert main(["station", "stats", "--config", str(config), *words]) == 2
    assert problem in capsys.readouterr().err
