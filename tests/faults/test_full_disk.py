"""The whole agent on a disk that fills up, reserve and all: alerts go on, and it recovers alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.closing_table import ClosingTable
from tests.support.disks import small_disk
from tests.support.pole_process import PoleProcess, write_config
from tests.support.served_process import free_port
from tests.support.watched_pole_main import COMMAND

pytestmark = pytest.mark.timeout(300)
MIB = 2**20
RECOVERED_S_MAX = 60.0
FULL = "full disk: the reserve in use, the reserve full too"


class FillingPole(PoleProcess):
    """A pole whose eyes open three alerts a second, and its disk."""

    def __init__(self, folder: Path, disk: Path) -> None:
        port = free_port()
        config = write_config(folder, {"steady": "nothing.mp4"}, port=port)
        super().__init__(config, disk / "data", port=port)
        self._words = (*COMMAND, str(config), str(disk / "data"))
        self._disk = disk

    def fill(self) -> None:
        """Take all the room there is."""
        with (self._disk / "filler").open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Give it back."""
        (self._disk / "filler").unlink()

    def opened(self) -> dict[str, dict[str, Any]]:
        """The alerts that are on record, by their names."""
        kept = self.records("alerts")
        return {each["alert"]: each for each in kept if each["kind"] == "alert.open"}

    def disk_alerts(self) -> list[str]:
        """What is on record of the disk."""
        kept = self.records("alerts")
        return [e["kind"] for e in kept if (e["rule"] or {}).get("name") == "disk"]

    def room(self) -> dict[str, Any]:
        """What health tells of the room."""
        parts = self.get("/v1/health").json()["parts"]
        return next(part for part in parts if (part["kind"], part["name"]) == ("disk", "room"))

    def in_memory(self) -> list[dict[str, Any]]:
        """Alerts that are marked as not kept."""
        items = self.get("/v1/alerts?limit=1").json()["items"]
        return [each for each in items if each.get("kept") is False]

    def told(self) -> set[str]:
        """Every alert that the eyes have told."""
        return set((self._data / "opened.txt").read_text(encoding="ascii").split())


def took_s(pole: FillingPole, condition: Callable[[], object]) -> float:
    begun_s = time.monotonic()
    pole.wait_for(condition, timeout_s=RECOVERED_S_MAX + 30, every_s=0.5)
    return time.monotonic() - begun_s


def test_alerts_go_on_while_the_disk_is_full_and_it_recovers_by_itself(
    tmp_path: Path, closing_table: ClosingTable
) -> None:
    with (
        small_disk(tmp_path / "disk", size_bytes=40 * MIB) as disk,
        FillingPole(tmp_path, disk) as pole,
    ):
        pole.wait_for(lambda: len(pole.opened()) >= 3 and pole.room()["ok"])
        pole.fill()
        pole.wait_for(lambda: not pole.room()["ok"])
        known = len(pole.opened())
        pole.wait_for(lambda: len(pole.opened()) >= known + 10)
        pole.wait_for(lambda: pole.disk_alerts() == ["alert.open"])
        pole.fill()
        pole.wait_for(pole.in_memory, timeout_s=60)
        assert pole.get("/v1/health").status == 503
        pole.empty()
        assert took_s(pole, lambda: not pole.in_memory()) < RECOVERED_S_MAX
        assert took_s(pole, lambda: pole.room()["ok"]) < RECOVERED_S_MAX + 5
        pole.wait_for(lambda: pole.disk_alerts() == ["alert.open", "alert.close"], timeout_s=60)
        told = pole.told()
        pole.wait_for(lambda: told <= pole.opened().keys())
        records = list(pole.records("alerts"))
        assert [each["seq"] for each in records] == list(range(1, len(records) + 1))
        lost = [each for each in records if each["kind"] == "loss"]
        assert lost == [], "nothing had to be given up"
        closing_table.add(FULL, 2, len(told - pole.opened().keys()))
