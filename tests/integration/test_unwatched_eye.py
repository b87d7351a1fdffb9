"""An eye of a camera with `watch = false`: health, live and clips, and nothing that looks."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import pytest

from tests.support.asked_eye import AskedEye
from tests.support.bad_camera import REAL_TIME, BadCamera
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)
WITHOUT_DETECTOR = (
    sys.executable,
    "-c",
    "import sys, types; broken = types.ModuleType('broken'); broken.Interpreter = None;"
    " sys.modules['ai_edge_litert'] = sys.modules['ai_edge_litert.interpreter'] = broken;"
    " import edge.cli; sys.exit(edge.cli.main())",
    "eye",
)
"""An inference library that fails when it is called, so that no detector can be loaded."""
CONFIG = """
pole = {{ id = "SG-017" }}
[[camera]]
name = "hall"
watch = false
main = "{main}"
zones = [{{ name = "all", points = [[0, 0], [1, 0], [1, 1], [0, 1]] }}]
[[rule]]
type = "intrusion"
zones = ["all"]
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute with somebody in it, whom an eye that looks would tell of."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=59),), noise=3)
    path = tmp_path_factory.mktemp("clip") / "hall.mp4"
    return make_clip(path, scene, Shot(seconds=60, fps=10, gop_s=1)).path


def make_arguments(folder: Path, main: str) -> list[str]:
    config = folder / "pole.toml"
    config.write_text(CONFIG.format(main=main))
    out = str(folder / "out")
    return ["--camera", "hall", "--config", str(config), "--out", out, "--tracks", "--motion"]


def test_unwatched_eye_shows_and_keeps_when_there_is_no_detector(
    clip: Path, tmp_path: Path
) -> None:
    with BadCamera(clip, pace=REAL_TIME) as camera:
        arguments = make_arguments(tmp_path, camera.url)
        with AskedEye(*arguments, command=WITHOUT_DETECTOR) as eye:
            eye.wait_for("sight", after_t=9.0)
            snapshot = eye.ask("snapshot")
            kept = eye.ask("clip", from_=3.0, to=6.0)
            eye.terminate()
            code, lines = eye.end()

    assert code == 0
    picture = cv2.imread(str(tmp_path / "out" / snapshot["file"]))
    assert picture.shape == (240, 320, 3)
    assert (kept["from_t"], kept["to_t"]) == (3.0, 6.0)
    assert {line["kind"] for line in lines} == {"source", "sight", "reply", "end"}
    last = [line for line in lines if line["kind"] == "sight"][-1]
    assert last["state"] == "seeing"
    assert last["distinct"] == last["frames"] > 80
    assert (last["decoded"], last["inferences"], last["awake"]) == (0, 0, False)


def test_watched_eye_can_not_begin_when_there_is_no_detector(clip: Path, tmp_path: Path) -> None:
    """Else the tests of unwatched ones would show nothing."""
    arguments = make_arguments(tmp_path, str(clip))
    config = tmp_path / "pole.toml"
    config.write_text(config.read_text().replace("watch = false", "watch = true"))
    with AskedEye(*arguments, command=WITHOUT_DETECTOR) as eye:
        code, lines = eye.end()
    assert (code, lines) == (1, [])


def test_unwatched_eye_says_lost_and_seeing_when_its_camera_goes_and_comes(
    clip: Path, tmp_path: Path
) -> None:
    with (
        BadCamera(clip, pace=REAL_TIME) as camera,
        AskedEye(*make_arguments(tmp_path, camera.url), command=WITHOUT_DETECTOR) as eye,
    ):
        seeing = eye.reader.wait_for(lambda line: line.get("state") == "seeing")
        camera.set_faults(connect="refuse")
        camera.hang_up()
        lost = eye.reader.wait_for(
            lambda line: line.get("state") == "lost" and line["t"] > seeing["t"]
        )
        camera.heal()
        eye.reader.wait_for(lambda line: line.get("state") == "seeing" and line["t"] > lost["t"])
