"""`polewatch station tail` beside a station that keeps on, and with readers that leave."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.station.store.station_store import StationStore
from tests.support.served_process import COMMAND, ROOT
from tests.support.station_process import write_station
from tests.support.station_store import PolePages, make_alert, make_file, make_store, make_word

pytestmark = pytest.mark.timeout(120)


def keep(
    folder: Path, work: Callable[[StationStore, PolePages], Any], pages: PolePages | None = None
) -> None:
    """Do something with the store of a station in a folder."""

    async def run() -> None:
        async with make_store(folder / "kept") as store:
            await work(store, pages or PolePages())

    asyncio.run(run())


async def fill(store: StationStore, pages: PolePages) -> None:
    for number in range(1, 4):
        await store.keep(pages.page(make_alert(number)))
        await store.keep(pages.page(make_file(number, b"clip %d" % number)))
    await store.say([make_word(1, "alert.ack")])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    keep(tmp_path, fill)
    return write_station(tmp_path, {}, port=1).config


def tail(capsysbinary: pytest.CaptureFixture[bytes], *words: str | Path) -> list[Any]:
    assert main(["station", "tail", *map(str, words)]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_everything_is_printed_in_the_order_in_which_it_came(
    config: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["station", "tail", "--config", str(config)]) == 0
    printed = capsysbinary.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    assert list(lines[0]) == ["number", "received_at", "pole", "record"]
    assert [line["number"] for line in lines] == list(range(1, 8))
    assert [line["record"]["kind"] for line in lines] == [
        "alert.open", "media.ready", "alert.open", "media.ready", "alert.open", "media.ready",
        "alert.ack",
    ]  # fmt: skip
    assert [line["pole"] for line in lines[-2:]] == ["SG-017", "station"]
    assert printed.splitlines()[0].endswith(lines[0]["record"]["hash"].encode() + b'"}}')


def test_feeds_and_place_are_heeded(
    config: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    media = tail(capsysbinary, "--config", config, "--feed", "media", "--after", "2")
    assert [line["number"] for line in media] == [4, 6]
    both = tail(capsysbinary, "--config", config, "--feed", "media", "--feed", "alerts")
    assert len(both) == 7
    assert tail(capsysbinary, "--config", config, "--after", "7") == []


@pytest.mark.parametrize("number", ["-1", "99999999999999999999"])
def test_number_that_is_none_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    assert main(["station", "tail", "--config", str(config), f"--after={number}"]) == 2
    assert "the last line that you have" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--follow"]])
def test_number_that_was_never_told_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["station", "tail", "--config", str(config), "--after", "8", *words]) == 2
    assert "beyond the newest record, 7" in capsys.readouterr().err


@contextmanager
def following(config: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [*COMMAND, "station", "tail", "--config", str(config), "--follow", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_lines(process: subprocess.Popen[bytes], count: int) -> list[Any]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def test_follower_gets_what_a_running_station_keeps(tmp_path: Path, config: Path) -> None:
    with following(config, "--after", "5") as process:
        assert [line["number"] for line in read_lines(process, 2)] == [6, 7]

        async def add(store: StationStore, pages: PolePages) -> None:
            await store.keep(pages.page(make_alert(7)))
            (line,) = await asyncio.to_thread(read_lines, process, 1)
            assert line["record"]["alert"] == make_alert(7).alert
            await store.keep(pages.page(make_alert(8)))
            (line,) = await asyncio.to_thread(read_lines, process, 1)
            assert line["record"]["alert"] == make_alert(8).alert

        keep(tmp_path, add, PolePages(name="SG-018"))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_follower_ends_when_nobody_reads_it_any_more(config: Path) -> None:
    with following(config, "--after", "0") as process:
        read_lines(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(20) == 0


def test_reader_that_has_seen_enough_ends_it_well(config: Path) -> None:
    words = " ".join((*COMMAND, "station", "tail", "--config", str(config)))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{words} | head -1"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 1)
    assert sys.executable in words
