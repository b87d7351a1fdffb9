"""`polewatch still` as a user runs it: lines, complaints, exit codes, the real detector."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import ModelError
from edge.eye.main import load_detector
from edge.thirdparty.store import DETECTOR, MODELS, model_path
from tests.repo.tree import CHECKOUT

pytestmark = pytest.mark.timeout(120)
PICTURES = CHECKOUT.parent / "shared" / "data"


def run_still(*words: str | Path) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, lines, and what was said on standard error; skipped where models are missing."""
    try:
        model_path(DETECTOR)
    except ModelError as exc:
        pytest.skip(str(exc))
    command = [sys.executable, "-m", "edge.cli", "still", *map(str, words)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def write_picture(path: Path) -> Path:
    """A grey picture with a bright square."""
    picture = np.full((240, 320, 3), 90, np.uint8)
    picture[60:120, 80:140] = 220
    assert cv2.imwrite(str(path), picture)
    return path


def scene(name: str) -> Path:
    path = PICTURES / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return path


def test_still_prints_one_line_a_picture_and_null_for_what_it_does_not_look_for(
    tmp_path: Path,
) -> None:
    paths = [write_picture(tmp_path / "a.png"), write_picture(tmp_path / "b.jpg")]
    code, lines, _ = run_still(*paths)
    assert code == 0
    empty: dict[str, Any] = {"kind": "still", "objects": [], "faces": None, "plates": None}
    assert lines == [{**empty, "file": str(path)} for path in paths]


def test_still_goes_on_after_bad_pictures_and_exits_1(tmp_path: Path) -> None:
    good = write_picture(tmp_path / "good.png")
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:-30])
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(65 * 2**20)
    code, lines, said = run_still("", tmp_path / "none.jpg", text, cut, large, tmp_path, good)
    assert code == 1
    assert [line["file"] for line in lines] == [str(good)]
    complaints = [line for line in said.splitlines() if line.startswith("polewatch: ")]
    nameless = complaints.pop(0)
    assert nameless == "polewatch: '': an empty name; give the path of a JPEG or PNG file"
    assert [line.partition(f"{tmp_path}")[2] for line in complaints] == [
        "/none.jpg: No such file or directory; check the path",
        "/text.jpg: neither JPEG nor PNG; convert it to one of them",
        "/cut.png: a PNG that is cut off; get a whole copy",
        "/large.jpg: more than 64 MiB; make it smaller",
        ": Is a directory; check the path",
    ]


def test_still_says_that_plates_are_not_read_in_this_version(tmp_path: Path) -> None:
    code, lines, said = run_still("--plate-crop", write_picture(tmp_path / "a.png"))
    assert (code, lines) == (2, [])
    assert "--plate-crop: this version reads no plates" in said


def test_still_finds_four_cars_and_people_in_a_street() -> None:
    code, [line], _ = run_still(scene("plates/scenes/scene_x1.jpg"))
    labels = [item["label"] for item in line["objects"]]
    assert code == 0
    assert labels.count("car") == 4
    assert labels.count("person") >= 1


def test_still_finds_two_people_who_fill_the_picture() -> None:
    _, [line], _ = run_still(scene("faces/two_people.jpg"))
    left, right = sorted(item["box"] for item in line["objects"])
    assert [item["label"] for item in line["objects"]] == ["person", "person"]
    assert left[2] < 0.6 < right[2]


def test_missing_model_is_told_with_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"missing; run: polewatch models fetch --dir {tmp_path}"):
        load_detector(tmp_path)


def test_damaged_model_is_told_with_the_command_that_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for asset in MODELS:
        (folder / asset.name).write_bytes(bytes(asset.size_bytes))
    with pytest.raises(ModelError, match="is damaged; run: polewatch models fetch --dir"):
        load_detector(tmp_path)
