"""What the next start knows of a run that ended badly, and that one in order tells nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge.agent.run_log import BYTES_MAX, LINES_TOLD, EarlierRun, RunLog, find_crash
from tests.support.clocks import ManualClock

LOG = logging.getLogger("polewatch.test")


def begin(folder: Path, boot: str = "b1") -> RunLog:
    return RunLog(folder, boot, ManualClock())


def test_run_that_ended_in_order_is_none_and_one_that_did_not_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with begin(tmp_path) as first:
        assert first.crash is None
        LOG.info("of the first run")
    with begin(tmp_path) as second:
        assert second.crash is None
        LOG.warning("camera down: \x1b[31m%s\nERROR of nobody", "yard")
        crash = begin(tmp_path).crash  # as if it ended here
        assert crash is not None
        assert crash.boot == "b1"
        assert crash.lines == (
            "2023-11-14T22:13:20.000Z WARNING polewatch.test: camera down: \ufffd[31myard",
            "ERROR of nobody",
        )
    assert (tmp_path / "run.log").stat().st_mode & 0o777 == 0o600


def test_error_that_ended_it_is_the_reason(tmp_path: Path) -> None:
    def fail() -> None:
        with begin(tmp_path):
            raise ValueError("the port is taken")

    with pytest.raises(ValueError, match="the port is taken"):
        fail()
    crash = begin(tmp_path).crash
    assert crash is not None
    said = crash.describe("b1")
    assert said["reason"] == "the port is taken"
    assert said["part"] == "agent"
    assert any("raise ValueError" in str(line) for line in crash.lines)


def test_it_is_bounded_and_the_last_lines_are_there_across_the_two_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with begin(tmp_path):
        for number in range(3 * BYTES_MAX // 100):
            LOG.info("line %d %s", number, "x" * 80)
        kept = sum(path.stat().st_size for path in tmp_path.iterdir())
        crash = begin(tmp_path).crash
    assert kept < 2 * (BYTES_MAX + 300)
    assert crash is not None
    assert len(crash.lines) == LINES_TOLD
    assert f"line {number} " in crash.lines[-1]
    assert crash.boot == "b1"


@pytest.mark.parametrize(
    ("boot", "lines", "stack", "reason"),
    [
        ("b1", ("x",), (), "it ended without a word: killed, or for want of memory"),
        ("b0", ("x",), (), "the machine was restarted, or lost its power, while it ran"),
        ("b1", ("x",), ("Fatal Python error: Aborted", "  File"), "Fatal Python error: Aborted"),
    ],
)
def test_ends_are_told_apart(
    boot: str, lines: tuple[str, ...], stack: tuple[str, ...], reason: str
) -> None:
    said = EarlierRun(boot, lines, stack).describe("b1")
    assert (said["reason"], said["boot"], said["lines"]) == (reason, boot, ["x"])
    assert ("stack" in said) == bool(stack)


def test_of_a_dump_the_thread_that_failed_is_left() -> None:
    dump = [
        "# begun b1", "2026 INFO a: b", "Fatal Python error: Aborted", "",
        "Thread 0x01 (most recent call first):", '  File "t.py", line 1 in wait', "",
        "Current thread 0x02 (most recent call first):", '  File "m.py", line 9 in hang',
    ]  # fmt: skip
    crash = find_crash(dump)
    assert crash is not None
    assert crash.lines == ("2026 INFO a: b",)
    assert crash.stack == (dump[2], dump[7], dump[8])


@pytest.mark.parametrize("lines", [[], ["nonsense"], ["\x00" * 100], ["# begun b", "# ended"]])
def test_what_is_no_crash_is_none(lines: list[str]) -> None:
    assert find_crash(lines) is None


def test_disk_that_takes_no_file_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "run.log").mkdir()
    with begin(tmp_path) as log:
        LOG.info("goes on")
    assert log.crash is None
