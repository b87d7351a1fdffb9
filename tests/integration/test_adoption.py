"""Files that were on their way into the media folder when the power went."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edge.agent.eyes.chronicle import AlertFile
from edge.agent.eyes.notes import Note, load_note, note_path, save_note
from edge.agent.eyes.pole_eyes import Terms
from edge.agent.media import MediaFolder
from edge.feeds import ClockReading, Draft
from tests.support.aio import run_async
from tests.support.eye_pole import EyePole, running

pytestmark = pytest.mark.timeout(120)
ALERT = "01J9Z0000000000000000000AB"
RUN = "01J9Z0000000000000000000ZZ"
AT_MS = 1_795_368_785_120
DATA = b"a clip"
DIGEST = hashlib.sha256(DATA).hexdigest()
NAME = f"{ALERT}-clip.mp4"
FILE = AlertFile(ALERT, "clip", "video/mp4", AT_MS, len(DATA), DIGEST, from_t=1.5, to_t=9.5)
HASTY = Terms(sweep_after_s=0.0)


async def open_alert(pole: EyePole, camera: str) -> None:
    clock = ClockReading("synced", "b00t", 0)
    rule = {"type": "intrusion", "name": "gate"}
    opened = Draft(
        "alerts", "01J9Z0000000000000000000R1", "alert.open", AT_MS, clock,
        severity="major", camera=camera, alert=ALERT, rule=rule,
    )  # fmt: skip
    await pole.log.append([opened])


def leave(folder: Path, *, is_noted: bool, is_moved: bool) -> None:
    """Leave a run's folder as a power cut would."""
    run = folder / "data" / "eyes" / "yard" / RUN
    run.mkdir(parents=True)
    (run / NAME).write_bytes(DATA)
    (run / f".{NAME}.part").write_bytes(b"part")
    if is_noted:
        save_note(run, Note(NAME, FILE))
    if is_moved:
        MediaFolder(folder / "data" / "media").adopt(run, NAME, sha256=DIGEST)


@pytest.mark.parametrize(
    ("is_noted", "is_moved"), [(False, False), (True, False), (True, True)],
    ids=["before the note", "before the move", "before the record"],
)  # fmt: skip
@pytest.mark.parametrize("cameras", [["good"], []], ids=["other camera", "no camera"])
@run_async
async def test_file_is_recorded_once_wherever_the_power_went(
    tmp_path: Path, cameras: list[str], is_noted: bool, is_moved: bool
) -> None:
    async with running(tmp_path, []) as pole:
        await open_alert(pole, "yard")
    leave(tmp_path, is_noted=is_noted, is_moved=is_moved)
    async with running(tmp_path, cameras, terms=HASTY) as pole:
        (ready,) = await pole.wait_for("media", "media.ready")

        assert (ready["camera"], ready["alert"]) == ("yard", ALERT)
        assert ready["media"][0]["sha256"] == DIGEST
        assert ready["data"]["recovered"] is True
        assert ready["data"].get("from_t") == (1.5 if is_noted else None)
        await pole.wait_until(lambda: pole.left() == [])
        assert pole.kept() == {DIGEST: DATA}
    async with running(tmp_path, cameras, terms=HASTY) as pole:
        assert len(await pole.records("media")) == 1


@run_async
async def test_file_that_has_its_record_is_not_recorded_again(tmp_path: Path) -> None:
    async with running(tmp_path, []) as pole:
        await open_alert(pole, "yard")
    leave(tmp_path, is_noted=True, is_moved=False)
    async with running(tmp_path, [], terms=HASTY) as pole:
        await pole.wait_for("media", "media.ready")
    leave_again = tmp_path / "data" / "eyes" / "yard" / RUN
    leave_again.mkdir()
    save_note(leave_again, Note(NAME, FILE))
    (leave_again / NAME).write_bytes(DATA)
    async with running(tmp_path, [], terms=HASTY) as pole:
        await pole.wait_until(lambda: pole.left() == [])
        assert len(await pole.records("media")) == 1


@run_async
async def test_link_among_the_eyes_folders_leads_nobody_to_other_files(tmp_path: Path) -> None:
    """What is left there is removed at the next start: a link must not put other files there."""
    other = tmp_path / "other" / "run"
    other.mkdir(parents=True)
    (other / "kept.txt").write_bytes(DATA)
    leave(tmp_path, is_noted=False, is_moved=False)
    eyes = tmp_path / "data" / "eyes"
    (eyes / "zoo").symlink_to(other.parent)
    (eyes / "yard" / "0").symlink_to(other)
    async with running(tmp_path, [], terms=HASTY) as pole:
        await pole.wait_until(lambda: not (eyes / "yard" / RUN).exists())
    assert (other / "kept.txt").read_bytes() == DATA


@run_async
async def test_file_of_another_cameras_alert_is_not_believed(tmp_path: Path) -> None:
    async with running(tmp_path, []) as pole:
        await open_alert(pole, "road")
    leave(tmp_path, is_noted=True, is_moved=False)
    async with running(tmp_path, [], terms=HASTY) as pole:
        await pole.wait_until(lambda: pole.left() == [])
        assert await pole.records("media") == []


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"name":"../a","file":{}}', b"\xff"])
def test_torn_note_is_none(tmp_path: Path, content: bytes) -> None:
    path = note_path(tmp_path, NAME)
    path.write_bytes(content)
    assert load_note(path) is None
    path.unlink()
    assert load_note(path) is None
    path.symlink_to(tmp_path)
    assert load_note(path) is None


def test_note_is_read_as_it_was_saved(tmp_path: Path) -> None:
    save_note(tmp_path, Note(NAME, FILE))
    assert load_note(note_path(tmp_path, NAME)) == Note(NAME, FILE)
