"""`polewatch station verify` on stores with holes: those that were told when they came, others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.feeds import Draft
from edge.station.ports.vault import Batch
from edge.station.store.station_store import StationStore
from tests.support.drafts import AT_MS, make_draft
from tests.support.station_store import PolePages, make_alert
from tests.support.verified_store import OF_POLE, change, findings, make, verify

pytestmark = pytest.mark.timeout(120)


async def leave_hole(store: StationStore, pages: PolePages) -> None:
    """The pole let two records go before they were pulled, and the station tells of it."""
    pages.seal(make_alert(6))
    last = pages.seal(make_alert(7))
    await store.keep(Batch("SG-017", replace(last.link, hash=""), (), AT_MS))
    await store.keep(pages.page(make_alert(8)))


def tell_breaks(*breaks: tuple[int, int], kind: str = "alert.open", **fields: Any) -> Draft:
    data = {"pole": "SG-017", "feed": "alerts", "life": "e1", "count": 9, **fields}
    rule = {"type": "station", "name": "chain"}
    return make_draft(
        900 + len(kind), kind=kind, alert="01S" + "0" * 23, severity="major", rule=rule,
        data={**data, "breaks": [list(each) for each in breaks]},
    )  # fmt: skip


async def leave_told_hole(store: StationStore, pages: PolePages) -> None:
    await store.tell([tell_breaks((6, 7))])
    await leave_hole(store, pages)


def test_hole_that_was_told_when_it_came_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(tmp_path / "kept", leave_told_hole)
    code, report = verify(capsys, folder)
    assert (code, findings(report)) == (0, set())
    assert [each["problem"] for each in report["holes"]] == ["alerts 6: missing; 8 follows 5"]


def test_hole_that_nobody_was_told_of_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = verify(capsys, make(tmp_path / "untold", leave_hole))
    assert (code, findings(report)) == (1, {"SG-017 alerts 6: alerts 6: missing; 8 follows 5"})


@pytest.mark.parametrize(
    ("seq", "problem"),
    [
        (2, "alerts 2: missing; 3 follows 1"),
        (5, "alerts 5: missing; 8 follows 4"),
        (8, "the feed ends at 5, its place says 8: cut off, or changed"),
    ],
)
def test_record_taken_out_beside_a_hole_that_was_told_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seq: int, problem: str
) -> None:
    folder = make(tmp_path / "kept", leave_told_hole)
    change(folder, f"DELETE FROM record WHERE seq = {seq} AND {OF_POLE}")
    code, report = verify(capsys, folder)
    assert code == 1
    assert f"SG-017 alerts {seq}: {problem}" in findings(report)


def test_records_taken_out_are_faults_however_many_others_were_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pole once sent records twice, and one that did not follow; those are no holes."""

    async def tell(store: StationStore, _pages: PolePages) -> None:
        await store.tell([tell_breaks((2, 1), (9, 8))])

    folder = make(tmp_path / "kept", tell)
    change(folder, f"DELETE FROM record WHERE seq IN (2, 4) AND {OF_POLE}")
    code, report = verify(capsys, folder)
    assert (code, report["holes"]) == (1, [])
    assert findings(report) == {
        "SG-017 alerts 2: alerts 2: missing; 3 follows 1",
        "SG-017 alerts 4: alerts 4: missing; 5 follows 3",
    }


def test_end_that_was_cut_off_is_missed_when_its_place_is_made_to_look_like_a_hole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make(tmp_path / "kept")
    change(data, f"DELETE FROM record WHERE seq = 4 AND {OF_POLE}")
    change(data, f"DELETE FROM record WHERE seq = 5 AND {OF_POLE}")
    change(data, "DELETE FROM statement WHERE life > 1 AND seq = 5")
    change(data, f"UPDATE place SET hash = '' WHERE {OF_POLE}")
    code, report = verify(capsys, data)
    problem = "the feed ends at 3, its place says 5: cut off, or changed"
    assert (code, findings(report)) == (1, {f"SG-017 alerts 5: {problem}"})


def test_hole_at_the_end_that_was_told_is_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def leave(store: StationStore, pages: PolePages) -> None:
        pages.seal(make_alert(6))
        await store.tell([tell_breaks((6, 6))])
        await store.keep(Batch("SG-017", replace(pages.link("alerts"), hash=""), (), AT_MS))

    code, report = verify(capsys, make(tmp_path / "kept", leave))
    assert (code, findings(report)) == (0, set())
    assert "SG-017 alerts: nothing after 5 yet, up to 6 left" in report["notes"]


@pytest.mark.parametrize("branch", [0, 1])
def test_hole_of_one_branch_excuses_none_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], branch: int
) -> None:
    """The pole's log was put back; alerts 7 never came in one branch and are taken from both."""

    async def put_back(store: StationStore, pages: PolePages) -> None:
        for number, log in enumerate((pages, pages.branch_off())):
            first, second, third = (log.seal(make_alert(n, ordinal=number)) for n in (6, 7, 8))
            page = Batch("SG-017", first.link, (first,), AT_MS, is_new_life=number > 0)
            await store.keep(page)
            if number == branch:
                await store.tell([tell_breaks((7, 7))])
                rest = [replace(third, flaw="missing")]
            else:
                rest = [second, third]
            await store.keep(Batch("SG-017", third.link, tuple(rest), AT_MS))
        await store.tell([tell_breaks((7, 7), kind="alert.close")])

    folder = make(tmp_path / "kept", put_back)
    code, report = verify(capsys, folder)
    assert (code, findings(report), len(report["holes"])) == (0, set(), 1)
    change(folder, f"DELETE FROM record WHERE seq = 7 AND {OF_POLE}")
    code, report = verify(capsys, folder)
    assert (code, len(report["findings"]), len(report["holes"])) == (1, 1, 1)
