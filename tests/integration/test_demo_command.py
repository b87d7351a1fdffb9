"""`polewatch demo`: what it takes for a source, and where a login in an address goes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from edge.agent.tokens import Tokens
from edge.cli import main
from edge.commands.demo_station import demo_station
from edge.own_folder import lock_folder
from edge.serving.token_text import hash_token
from edge.station.load import load_station
from tests.support.aio import run_async
from tests.support.served_process import COMMAND, ROOT
from tests.support.video import Scene, Shot, make_clip

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def clip(tmp_path: Path) -> str:
    shot = Shot(seconds=2, fps=5, gop_s=1)
    return str(make_clip(tmp_path / "clip.mp4", Scene(), shot).path)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("rtsp://u:secret@[::1", "is no address: Invalid IPv6 URL"),
        ("rtsp://u:secret@", "is no address: it names no host"),
        ("rtsp:///main", "is no address: it names no host"),
        ("nowhere.mp4", "there is no file "),
    ],
)
def test_source_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, problem: str
) -> None:
    assert main(["demo", "--source", source, "--data", str(tmp_path / "demo")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"polewatch: --source: {problem}")
    assert said.endswith("; give a file, or an address like rtsp://USER:PASSWORD@HOST/PATH\n")
    assert "secret" not in said
    assert not (tmp_path / "demo").exists()


def test_login_in_an_address_goes_into_a_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pole itself does not begin here: its tokens may be read by others."""
    tokens = tmp_path / "tokens.json"
    tokens.write_bytes(b"{}")
    tokens.chmod(0o644)
    source = "rtsp://us%40er:s%22t@127.0.0.1:9/main"
    assert main(["demo", "--source", source, "--data", str(tmp_path)]) == 1
    assert "chmod 600" in capsys.readouterr().err
    config = (tmp_path / "demo.toml").read_text(encoding="utf-8")
    assert 'main = "rtsp://127.0.0.1:9/main"\ncredentials = "demo.secret"\n' in config
    secret = tmp_path / "demo.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text(encoding="utf-8") == 'user = "us@er"\npassword = "s\\"t"\n'


def test_station_of_the_demo_is_configured_and_ends_with_it(tmp_path: Path, clip: str) -> None:
    """The pole's address is taken, so that the demo ends by itself."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody's demo runs here: as good
            taken.bind(("127.0.0.1", 8470))
            taken.listen()
        done = subprocess.run(
            [*COMMAND, "demo", "--source", clip, "--data", str(tmp_path / "demo")],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "polewatch: 127.0.0.1:8470: can't be listened on" in done.stderr
    config = load_station(tmp_path / "demo/station/station.toml")
    (pole,), (user,) = config.poles, config.users
    assert (pole.name, pole.url) == ("demo", "http://127.0.0.1:8470")
    assert (user.name, user.role) == ("demo", "supervisor")
    token = Path(pole.token_file).read_text(encoding="utf-8")
    granted = Tokens(tmp_path / "demo").find_hash(hash_token(token))
    assert granted is not None
    assert (granted.name, granted.is_keeper, granted.cameras) == ("station", True, None)
    store = tmp_path / "demo/station/kept"
    if store.exists():  # it had begun: its lock is free again
        os.close(lock_folder(store, holder="station"))


@run_async
async def test_demo_is_stopped_when_its_station_has_failed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its own main loop is stopped as by SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with demo_station(tmp_path, pole="demo", pole_url="http://127.0.0.1:1") as station:
        station.end_with_it()
        station.process.kill()
        await stopped.wait()
        assert station.has_failed
        assert load_station(station.config).station.id == "demo-station"
    assert capfd.readouterr().err == (
        "polewatch: the demo's station was killed by SIGKILL; the pole stops\n"
    )
