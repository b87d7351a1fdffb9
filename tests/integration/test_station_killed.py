"""kill -9 of a station at random, and at each step of taking a file in: nothing lost or doubled."""

from __future__ import annotations

import asyncio
import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge.evidence import follow
from edge.station.ports.desk import Asked
from edge.station.store.desk_reader import count_alerts
from edge.station.store.reader import StoreReader, open_store_reader
from tests.repo.tree import CHECKOUT
from tests.support.aio import run_async
from tests.support.keeping_main import POLES
from tests.support.station_store import (
    PolePages,
    bring,
    make_alert,
    make_file,
    make_store,
    put_part,
    shown,
    states,
)

pytestmark = pytest.mark.timeout(120)

KILLS = 20


def run_and_kill(folder: Path, *, after_s: float) -> set[tuple[str, ...]]:
    """Let a process keep things for a while after the first; give what it was told."""
    words = [sys.executable, "-m", "tests.support.keeping_main", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "it ended by itself"
        time.sleep(after_s)
        process.kill()
        lines = [first, *process.stdout]
    return {tuple(line.split()) for line in lines if line.endswith("\n")}  # the last may be torn


def look(reader: StoreReader) -> set[tuple[str, ...]]:
    """What is there, after checking that all of it fits together."""
    found: set[tuple[str, ...]] = set()
    for feed in reader.feeds():
        link = feed.start
        for row in reader.chain(feed):
            link = follow(link, row.body)
            found.add(("record", feed.pole, feed.head.feed, str(row.seq)))
        assert link == feed.head
    own = reader.connection.execute("SELECT own_id FROM record WHERE own_id IS NOT NULL")
    found |= {("word", id_) for (id_,) in own}
    here = reader.connection.execute("SELECT pole, sha256 FROM file WHERE state = 'here'")
    return found | {("file", pole, sha256) for pole, sha256 in here}


def check_alerts(reader: StoreReader) -> None:
    """One alert for each that was opened, counted as they are, each word once in the outbox."""
    ((alerts, opened, new),) = reader.connection.execute(
        "SELECT count(*), sum(is_open), sum(is_new) FROM alert"
    )
    ((begun,),) = reader.connection.execute(
        "SELECT count(DISTINCT alert) FROM record WHERE feed = 'alerts'"
    )
    assert alerts == begun
    counts = count_alerts(reader)
    assert (counts["open"], counts["new"]) == (opened, new)
    ((said, owed),) = reader.connection.execute(
        "SELECT (SELECT count(*) FROM record WHERE own_id IS NOT NULL), count(*) FROM word"
    )
    assert said == owed


def test_everything_told_is_there_once_after_twenty_kills(tmp_path: Path) -> None:
    dice = random.Random(20261123)
    told: set[tuple[str, ...]] = set()
    for _ in range(KILLS):
        told |= run_and_kill(tmp_path, after_s=dice.uniform(0, 0.5))
        with open_store_reader(tmp_path) as reader:
            assert told - look(reader) == set()
            check_alerts(reader)
    assert len(told) > 10 * KILLS
    asyncio.run(open_and_close(tmp_path))
    with open_store_reader(tmp_path) as reader:
        noted = {file.sha256 for file in reader.files()}
        wanted = {each.sha256 for name in POLES for each in reader.wanted(name, limit=9999)}
    kept = {path for path in (tmp_path / "media").rglob("*") if path.is_file()}
    assert {path.name for path in kept} == noted
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in kept)
    assert {path.name[3:67] for path in (tmp_path / "parts").iterdir()} <= wanted


async def open_and_close(folder: Path) -> None:
    async with make_store(folder):
        pass


def nothing_is_done(_folder: Path, _part: Path, _path: Path) -> None:
    """The part is whole, and nothing more."""


def fan_out_is_made(_folder: Path, _part: Path, path: Path) -> None:
    path.parent.mkdir()


def file_has_its_name(_folder: Path, part: Path, path: Path) -> None:
    path.parent.mkdir()
    part.rename(path)


@pytest.mark.parametrize(
    ("step", "state"),
    [(nothing_is_done, "waiting"), (fan_out_is_made, "waiting"), (file_has_its_name, "here")],
)
@run_async
async def test_file_is_whole_or_still_wanted_when_killed_while_it_is_taken_in(
    tmp_path: Path, step: Callable[[Path, Path, Path], None], state: str
) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        await store.keep(pages.page(make_file(1, b"clip")))
        (wanted,) = await store.wanted("SG-017", limit=9)
        part = store.parts_folder / put_part(store, "SG-017", b"clip")
    step(tmp_path, part, tmp_path / "media" / wanted.sha256[:2] / wanted.sha256)
    async with make_store(tmp_path) as store:
        assert states(await shown(store, 1)) == [state]
        if state == "waiting":
            assert part.read_bytes() == b"clip"  # what had come is not fetched again
            await bring(store, wanted, b"clip")
        assert await store.unacked_files("SG-017", limit=9) == [wanted.sha256]
        assert await store.find_media("SG-017", wanted.sha256) is not None


@run_async
async def test_what_a_kill_or_a_hand_has_left_is_put_right_at_the_start(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        await store.keep(pages.page(make_file(1, b"clip"), make_file(1, b"wanted", "thermal")))
        thermal, clip = await store.wanted("SG-017", limit=9)
        await bring(store, clip, b"clip")
        await store.note_files_acked("SG-017", [clip.sha256])
    media = tmp_path / "media"
    (media / clip.sha256[:2] / clip.sha256).unlink()
    for name, content in ((thermal.sha256, b"not it"), ("0" * 64, b"nobody's"), ("x", b"")):
        (media / name[:2]).mkdir(exist_ok=True)
        (media / name[:2] / name).write_bytes(content)
    (media / "00" / "folder").mkdir()
    (tmp_path / "parts" / f"SG-017-{'1' * 64}.part").write_bytes(b"half")
    (tmp_path / "parts" / f"SG-017-{clip.sha256}.part").write_bytes(b"cl")
    async with make_store(tmp_path) as store:
        assert states(await shown(store, 1)) == ["waiting", "waiting"]
        assert await store.wanted("SG-017", limit=9) == [thermal, clip]
        await store.alerts(Asked(), after=None, limit=1)
    left = {path.name for path in media.rglob("*") if path.is_file() and len(path.name) > 1}
    assert left == set()
    assert [path.read_bytes() for path in (tmp_path / "spoiled").iterdir()] == [b"not it"]
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [f"SG-017-{clip.sha256}.part"]


@run_async
async def test_spoiled_file_is_set_aside_after_a_kill_between_its_row_and_its_move(
    tmp_path: Path,
) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1)))
        await store.keep(pages.page(make_file(1, b"clip")))
        (wanted,) = await store.wanted("SG-017", limit=9)
        await bring(store, wanted, b"clip")
        path = tmp_path / "media" / wanted.sha256[:2] / wanted.sha256
        path.write_bytes(b"clap")
        await store.set_aside(wanted.sha256)
        (tmp_path / "spoiled" / f"{wanted.sha256}.1").rename(path)
    async with make_store(tmp_path) as store:
        assert await store.count_spoiled() == 1
        assert await store.wanted("SG-017", limit=9) == [wanted]
    (witness,) = (tmp_path / "spoiled").iterdir()
    assert witness.read_bytes() == b"clap"


@run_async
async def test_file_is_not_taken_in_for_a_pole_that_says_another_length_of_it(
    tmp_path: Path,
) -> None:
    right, wrong = PolePages(name="P1"), PolePages(name="P2")
    async with make_store(tmp_path) as store:
        draft = make_file(1, b"clip")
        await store.keep(right.page(draft))
        await store.keep(wrong.page(replace(draft, media=[{**draft.media[0], "bytes": 999}])))
        (wanted,) = await store.wanted("P1", limit=9)
        part = store.parts_folder / put_part(store, "P1", b"clip")
    file_has_its_name(tmp_path, part, tmp_path / "media" / wanted.sha256[:2] / wanted.sha256)
    async with make_store(tmp_path) as store:
        assert await store.wanted("P1", limit=9) == []
        assert [each.size_bytes for each in await store.wanted("P2", limit=9)] == [999]
        assert await store.find_media("P2", wanted.sha256) is None
