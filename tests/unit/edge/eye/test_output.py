"""Lines to a pipe: whole, waited for, and given up when nobody reads."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from edge.eye.output import Output
from tests.support.clocks import ManualClock


@dataclass
class Pipe:
    read: int
    write: int
    clock: ManualClock = field(default_factory=ManualClock)
    closed: list[str] = field(default_factory=list)

    def output(self) -> Output:
        return Output(self.write, on_closed=lambda: self.closed.append("closed"), clock=self.clock)

    def fill(self) -> int:
        flags = fcntl.fcntl(self.write, fcntl.F_GETFL)
        fcntl.fcntl(self.write, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        count = 0
        try:
            while True:
                count += os.write(self.write, b"x" * 4096)
        except BlockingIOError:
            fcntl.fcntl(self.write, fcntl.F_SETFL, flags)
        return count


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    read, write = os.pipe()
    yield Pipe(read, write)
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test has closed it


def test_long_lines_come_out_whole(pipe: Pipe) -> None:
    line = b"y" * 20_000 + b"\n"
    pipe.output().emit(line)
    assert os.read(pipe.read, 1 << 16) == line


def test_descriptor_of_others_that_does_not_block_is_written_all_the_same(pipe: Pipe) -> None:
    os.set_blocking(pipe.write, False)
    pipe.output().emit(b"line\n")
    assert os.read(pipe.read, 100) == b"line\n"


def test_closed_reader_is_told_once_and_lines_go_nowhere(pipe: Pipe) -> None:
    output = pipe.output()
    os.close(pipe.read)
    for _ in range(3):
        output.emit(b"line\n")
    assert pipe.closed == ["closed"]
    assert output.failure is None


def test_other_failures_are_kept() -> None:
    closed: list[str] = []
    full = os.open("/dev/full", os.O_WRONLY)
    output = Output(full, on_closed=lambda: closed.append("closed"), clock=ManualClock())
    output.emit(b"line\n")
    os.close(full)
    assert closed == ["closed"]
    assert output.failure is not None


def test_reader_that_has_stopped_is_given_up_when_in_a_hurry(pipe: Pipe) -> None:
    output = pipe.output()
    pipe.fill()
    output.hurry(5.0)
    pipe.clock.move(5.1)
    output.emit(b"line\n")
    assert pipe.closed == ["closed"]


def test_who_asks_again_to_hurry_does_not_put_it_off(pipe: Pipe) -> None:
    output = pipe.output()
    pipe.fill()
    for _ in range(3):
        output.hurry(5.0)
        pipe.clock.move(2.0)
    output.emit(b"line\n")
    assert pipe.closed == ["closed"]
