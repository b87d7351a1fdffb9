"""`polewatch run` as a whole: killed, with a dead camera, and where it can't begin.

The same for an hour and with RTSP cameras: `long_run.py`.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.agent.log.reader import open_reader
from edge.errors import ModelError
from edge.thirdparty.sample import sample_path
from tests.support.disks import read_only
from tests.support.pole_process import PoleProcess, write_config
from tests.support.pulled import find_problems, find_unsound
from tests.support.puller import Puller
from tests.support.served_process import COMMAND, ROOT, free_port

pytestmark = pytest.mark.timeout(120)

RULE = """
[[rule]]
type = "intrusion"
name = "anything"
alerts_per_hour = 60
cooldown_s = 1
"""


@pytest.fixture
def clip() -> str:
    try:
        return str(sample_path())
    except ModelError as exc:
        pytest.skip(str(exc))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def cameras(pole: PoleProcess) -> dict[str, dict[str, Any]]:
    """Each camera's part of health."""
    parts = pole.get("/v1/health").json()["parts"]
    return {part["name"]: part for part in parts if part["kind"] == "camera"}


def kill_after(pole: PoleProcess, condition: Callable[[], bool]) -> None:
    """Kill the agent once something holds, and start it again as its service manager would."""
    pole.wait_for(condition)
    pole.kill()
    pole.start()


def run(config: Path, data: Path) -> tuple[int, str]:
    """Run a pole that can't begin: its exit code, and its last words."""
    done = subprocess.run(
        [*COMMAND, "run", "--config", str(config), "--data", str(data)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_pole_keeps_all_that_it_told_when_it_is_killed_twice(tmp_path: Path, clip: str) -> None:
    port, pulled = free_port(), tmp_path / "pulled"
    pulled.mkdir()
    config = write_config(tmp_path, {"yard": clip}, port=port, extra=RULE)
    with PoleProcess(config, tmp_path / "data", port=port) as pole:
        puller = Puller(pole.get, pulled)

        def count(kind: str) -> int:
            records = [record for feed in puller.records.values() for record in feed]
            return sum(record["kind"] == kind for record in records)

        with puller:
            kill_after(pole, lambda: count("media.ready") >= 1)
            kill_after(pole, lambda: count("media.ready") >= 2)
            opened = count("alert.open")
            pole.wait_for(lambda: count("alert.open") > opened)
        puller.pull_all()

        assert find_problems(puller, pulled) == []
        alerts = puller.records["alerts"]
        closed = {each["alert"] for each in alerts if each["kind"] == "alert.close"}
        before = [each["alert"] for each in alerts if each["kind"] == "alert.open"][:opened]
        assert set(before) <= closed
        reasons = {each["data"]["reason"] for each in alerts if each["kind"] == "alert.close"}
        assert "interrupted" in reasons
        starts = [each for each in puller.records["health"] if each["kind"] == "start"]
        assert len(starts) == 3
        assert find_unsound(tmp_path / "data") == []
    assert find_unsound(tmp_path / "data") == []
    with open_reader(tmp_path / "data") as reader:
        media = [json.loads(body) for body in reader.chain("media")]
        last = [json.loads(body) for body in reader.chain("alerts")][-1]
    assert last["kind"] == "alert.close"
    assert {each["data"]["role"] for each in media if each["alert"] == last["alert"]} == {
        "snapshot", "clip",
    }  # fmt: skip


def test_dead_camera_is_told_and_leaves_the_other_alone(tmp_path: Path, clip: str) -> None:
    port = free_port()
    sources = {"yard": clip, "dead": f"rtsp://127.0.0.1:{free_port()}/main"}
    config = write_config(tmp_path, sources, port=port)
    with PoleProcess(config, tmp_path / "data", port=port) as pole:
        pole.wait_for(lambda: cameras(pole)["yard"]["ok"])
        pole.wait_for(lambda: cameras(pole)["dead"]["data"]["state"] == "lost", timeout_s=15)
        assert pole.get("/v1/health", token="").status == 503
        dead, yard = (cameras(pole)[name] for name in ("dead", "yard"))
        assert dead["reason"].startswith("no picture comes; check the camera's power")
        assert (yard["ok"], yard["data"]["restarts"], dead["data"]["restarts"]) == (True, 0, 0)
        crashes = [each for each in pole.records("health") if each["kind"] == "crash"]
        assert crashes == []


def test_stop_while_the_eyes_begin_is_obeyed(tmp_path: Path, clip: str) -> None:
    port = free_port()
    config = write_config(tmp_path, {"yard": clip}, port=port)
    with PoleProcess(config, tmp_path / "data", port=port) as pole:
        assert pole.stop() == 0
        assert "Traceback" not in pole.errors
    assert find_unsound(tmp_path / "data") == []


def test_port_in_use_is_told_and_ends_the_pole(tmp_path: Path, taken_port: int) -> None:
    config = write_config(tmp_path, {}, port=taken_port)
    code, said = run(config, tmp_path / "data")
    assert code == 1
    assert said.startswith(f"polewatch: 127.0.0.1:{taken_port}")


def test_folder_that_takes_nothing_is_told_and_ends_the_pole(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    config = write_config(tmp_path, {}, port=free_port())
    with read_only(data):
        code, said = run(config, data)
    assert code == 1
    assert said == (
        f"polewatch: {data}: takes no files (Read-only file system);"
        " check the disk and the folder's mode"
    )


def test_camera_whose_login_is_missing_is_told_before_anything_begins(tmp_path: Path) -> None:
    login = 'credentials = "no.secret"'
    sources = {"road": "rtsp://127.0.0.1:1/main"}
    config = write_config(tmp_path, sources, port=free_port(), camera=login)
    code, said = run(config, tmp_path / "data")
    assert code == 2
    assert said.startswith('polewatch: camera[0].credentials: "no.secret": can\'t be read')
    assert not (tmp_path / "data").exists()
