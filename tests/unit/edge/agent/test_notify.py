"""What the service manager is told, at either kind of socket, and where there is none."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edge.agent.notify import Notifier, take_notifier


def listen(address: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(address)
    made.settimeout(5)
    return made


@pytest.mark.parametrize("is_abstract", [False, True])
def test_it_is_told_at_both_kinds_of_address(tmp_path: Path, is_abstract: bool) -> None:
    address = f"@polewatch-{tmp_path}" if is_abstract else str(tmp_path / "notify")
    with listen(address.replace("@", "\0", 1)) as heard:
        Notifier(address).send(READY=1, STATUS="road is down\nWATCHDOG=trigger")
        assert heard.recv(1000) == b"READY=1\nSTATUS=road is down WATCHDOG=trigger"


def test_nobody_listens_or_nobody_reads_and_nothing_waits_for_it(tmp_path: Path) -> None:
    Notifier().send(READY=1)
    Notifier("vsock:2:1234").send(READY=1)
    Notifier(str(tmp_path / "none")).send(READY=1)
    with listen(str(tmp_path / "full")):
        for _ in range(10_000):
            Notifier(str(tmp_path / "full")).send(WATCHDOG=1)


@pytest.mark.parametrize(
    ("given", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "15000000"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_is_read_from_the_environment_and_children_do_not_inherit_it(
    given: dict[str, str], watchdog_s: float | None
) -> None:
    environment = {**given, "NOTIFY_SOCKET": "/run/n", "HOME": "/root"}
    assert take_notifier(environment).watchdog_s == watchdog_s
    assert environment == {"HOME": "/root"}
