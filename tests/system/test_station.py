"""`polewatch station run` as a whole: killed, cut off, with a full disk, and where it can't begin.

The same for an hour and with four RTSP cameras: `station_hour.py`.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ModelError
from edge.thirdparty.sample import sample_path
from tests.support.disks import small_disk
from tests.support.many_poles import ManyPoles, Offered
from tests.support.served_process import COMMAND, ROOT, free_port
from tests.support.station_process import (
    STATION_ID,
    PulledPole,
    StationFiles,
    StationProcess,
    write_station,
)
from tests.system.station_hour import NAME, Pair, make_pair

pytestmark = pytest.mark.timeout(120)

CAMERA = 'lines = [{ name = "path", from = [0.17, 0.2], to = [0.17, 0.9] }]'
RULE = """
[[rule]]
type = "line"
name = "path"
lines = ["path"]
alerts_per_hour = 60
cooldown_s = 0
"""
MIB = 2**20


@pytest.fixture
def clip() -> str:
    try:
        return str(sample_path())
    except ModelError as exc:
        pytest.skip(str(exc))


@pytest.fixture
def poles(tmp_path: Path) -> Iterator[ManyPoles]:
    folder = tmp_path / "poles"
    folder.mkdir()
    with ManyPoles(folder, count=2, processes=1, clip_bytes=MIB // 4) as poles:
        yield poles


def make_files(folder: Path, poles: dict[str, Offered], **more: Any) -> StationFiles:
    pulled = {name: PulledPole(each.url, each.token) for name, each in poles.items()}
    return write_station(folder, pulled, port=free_port(), **more)


def own_alerts(station: StationProcess, name: str) -> list[dict[str, Any]]:
    """The station's own alerts of one name."""
    return [
        each for each in station.alerts()
        if each["pole"] == STATION_ID and each["rule"]["name"] == name
    ]  # fmt: skip


def run(config: Path) -> tuple[int, str]:
    """Run a station that can't begin: its exit code, and what it says."""
    done = subprocess.run(
        [*COMMAND, "station", "run", "--config", str(config)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


def count(pair: Pair, kind: str) -> int:
    return sum(each["kind"] == kind for each in pair.pole.records("alerts"))


def shown(pair: Pair) -> int:
    return sum(each["pole"] == NAME for each in pair.station.alerts())


def test_station_has_everything_once_when_both_are_killed_and_the_link_goes(
    tmp_path: Path, clip: str
) -> None:
    with ExitStack() as stack:
        pair = make_pair(stack, tmp_path, {"yard": clip}, rules=RULE, camera=CAMERA)
        pair.station.wait_for(lambda: shown(pair) >= 1, timeout_s=40)
        pair.kill_station()

        pair.link.go_down()
        opened = count(pair, "alert.open")
        pair.pole.wait_for(lambda: count(pair, "alert.open") > opened, timeout_s=40)
        pair.link.go_up()
        pair.link.cut()

        pair.kill_pole()
        opened = count(pair, "alert.open")
        pair.station.wait_for(lambda: shown(pair) > opened, timeout_s=60)
        pair.link.cut()
        pair.wait_until_all_is_here()

        assert pair.find_problems() == []
        assert own_alerts(pair.station, "chain") == own_alerts(pair.station, "fork") == []
        assert "Traceback" not in pair.station.errors


@pytest.mark.timeout(300)
def test_full_disk_is_told_and_loses_nothing(tmp_path: Path, poles: ManyPoles) -> None:
    (tmp_path / "kept").mkdir()
    with small_disk(tmp_path / "kept" / "disk", size_bytes=28 * MIB) as disk:
        files = make_files(tmp_path, poles.poles, store="reserve_bytes = 16777216")
        text = files.config.read_text(encoding="utf-8").replace('"kept"', '"kept/disk"')
        files.config.write_text(text, encoding="utf-8")
        with StationProcess(files) as station:
            poles.write(60)
            station.wait_for(lambda: own_alerts(station, "disk"), timeout_s=60)
            station.wait_for(lambda: len(pole_alerts(station)) == 60, timeout_s=60)
            states = {file["state"] for each in pole_alerts(station) for file in each["media"]}
            assert states >= {"here", "held back"}

            ballast = disk / "ballast"
            fill(ballast)
            poles.write(240)
            station.wait_for(lambda: station.get("/v1/health").status == 503, timeout_s=60)
            assert station.get("/v1/station").json()["fault"]
            ballast.unlink()
            station.wait_for(lambda: station.get("/v1/health").status == 200, timeout_s=60)
            station.wait_for(lambda: len(pole_alerts(station)) == 300, timeout_s=90)
            assert station.find_unsound() == []


def pole_alerts(station: StationProcess) -> list[dict[str, Any]]:
    return [each for each in station.alerts() if each["pole"] != STATION_ID]


def fill(path: Path) -> None:
    """Write until the disk takes no more."""
    with path.open("wb", buffering=0) as file:
        for size in (MIB, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_two_poles_of_one_id_are_named_and_the_second_is_not_pulled(
    tmp_path: Path, poles: ManyPoles
) -> None:
    (first, offer), (other, healthy) = poles.poles.items()
    twice = {
        first: offer,
        "copy": Offered(offer.url.replace("127.0.0.1", "localhost"), offer.token),
        other: healthy,
    }
    with StationProcess(make_files(tmp_path, twice)) as station:
        poles.write(6)
        station.wait_for(lambda: len(pole_alerts(station)) == 6)
        station.wait_for(lambda: own_alerts(station, "identity"))
        (alert,) = own_alerts(station, "identity")
        assert {alert["data"]["pole"], alert["data"]["other"]} == {first, "copy"}
        states = {name: each["state"] for name, each in station.poles().items()}
        assert sorted((states[first], states["copy"])) == ["refused", "up"]
        assert states[other] == "up"
        told = poles.ask()
        assert {each["id"] for each in pole_alerts(station)} == {
            alert for opened in told.opened.values() for alert in opened
        }


def test_station_ends_in_order_when_it_is_told_to(tmp_path: Path, poles: ManyPoles) -> None:
    poles.tell(5)
    with StationProcess(make_files(tmp_path, poles.poles)) as station:
        station.wait_for(lambda: len(pole_alerts(station)) >= 5)
        assert station.stop(timeout_s=10) == 0
        assert "Traceback" not in station.errors
        assert station.find_unsound() == []
        station.start()
        poles.tell(0)
        station.wait_for(lambda: poles.ask().under_way == 0)
        alerts = poles.ask().alerts
        station.wait_for(lambda: len(pole_alerts(station)) == alerts)


def test_store_that_another_station_has_is_refused(tmp_path: Path) -> None:
    files = make_files(tmp_path, {})
    with StationProcess(files):
        other = tmp_path / "other.toml"
        text = files.config.read_text(encoding="utf-8")
        other.write_text(text.replace(f":{files.port}", f":{free_port()}"), encoding="utf-8")
        code, said = run(other)
    assert code == 1
    assert "another station has it" in said


def test_address_in_use_is_told_and_ends_the_station(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        files = write_station(tmp_path, {}, port=port)
        code, said = run(files.config)
    assert code == 1
    assert said.splitlines()[-1].startswith(f"polewatch: 127.0.0.1:{port}: can't be listened on")


def test_wrong_configuration_is_told_whole_before_anything_begins(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(
        '[[pole]]\nname = "a"\nurl = "10.0.0.1"\ntoken_file = "none"\n[store]\npat = "x"\n',
        encoding="utf-8",
    )
    code, said = run(path)
    assert code == 2
    assert [line.partition(":")[0] for line in said.removeprefix("polewatch: ").splitlines()] == [
        "pole[0].url", "store.pat", "pole[0].token_file",
    ]  # fmt: skip
    assert sorted(each.name for each in tmp_path.iterdir()) == ["station.toml"]
