"""`polewatch models` and the sample clip, on a real disk, with fakes for the registries."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import av
import pytest

from edge.commands import models
from edge.errors import ModelError
from edge.thirdparty import sample
from edge.thirdparty.sample import make_sample, sample_origin, sample_path, sample_state
from edge.thirdparty.store import FOOTAGE, MODELS, Package, models_dir, quick_state


def no_network(package: Package, _member: str, _folder: Path) -> Path:
    raise ModelError(f"{package.name}: no network")


def run(*words: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    out = io.StringIO()
    return models.run(parser.parse_args(words), client=no_network, out=out), out.getvalue()


def quiet(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assets folder whose sample had to be drawn."""
    root = tmp_path_factory.mktemp("assets")
    assert make_sample(root, obtain=no_network, say=quiet)
    return root


@pytest.mark.timeout(120)
def test_sample_is_drawn_when_no_footage_is_to_be_had(drawn: Path) -> None:
    with av.open(str(sample_path(drawn))) as container:
        stream = container.streams.video[0]
        keyframes = [
            round(float(packet.pts * stream.time_base), 3)
            for packet in container.demux(stream)
            if packet.is_keyframe and packet.pts is not None and stream.time_base is not None
        ]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height, stream.frames) == (768, 576, 600)

    assert keyframes == [float(second) for second in range(60)]
    assert sample_origin(drawn) == "drawn by code (edge/thirdparty/scene.py)"


@pytest.mark.timeout(120)
def test_sample_that_is_whole_is_not_made_again(drawn: Path) -> None:
    assert sample_state(drawn) == "good"
    assert not make_sample(drawn, obtain=no_network, say=quiet)


def test_sample_path_names_the_remedy_when_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"run: polewatch models fetch --sample --dir"):
        sample_path(tmp_path)


@pytest.mark.parametrize("note", [None, "{", "[]", '{"bytes": 5, "sha256": "?"}'])
def test_sample_with_another_note_counts_as_damaged(tmp_path: Path, note: str | None) -> None:
    sample.sample_dir(tmp_path).mkdir()
    path = sample.sample_dir(tmp_path) / sample.CLIP
    path.write_bytes(b"clip")
    if note is not None:
        path.with_name(f"{sample.CLIP}.json").write_text(note, encoding="utf-8")

    assert sample_state(tmp_path) == "damaged"
    with pytest.raises(ModelError, match="missing or damaged"):
        sample_path(tmp_path)


def test_list_shows_every_file_and_is_good_when_all_are_missing(tmp_path: Path) -> None:
    code, text = run("list", "--dir", str(tmp_path))

    assert code == 0
    assert [line.split()[:2] for line in text.splitlines()] == [
        *([asset.name, "missing"] for asset in MODELS),
        ["yard.mp4", "missing"],
    ]


def test_verify_fails_when_a_file_is_missing(tmp_path: Path) -> None:
    code, text = run("verify", "--json", "--dir", str(tmp_path))

    assert code == 1
    assert [row["state"] for row in json.loads(text)] == ["missing"] * len(MODELS)


def test_verify_finds_a_byte_that_changed(tmp_path: Path) -> None:
    models_dir(tmp_path).mkdir()
    for asset in MODELS:
        with (models_dir(tmp_path) / asset.name).open("wb") as file:
            file.truncate(asset.size_bytes)

    code, text = run("verify", "--dir", str(tmp_path))

    assert code == 1
    assert text.count("damaged") == len(MODELS)
    assert quick_state(models_dir(tmp_path) / MODELS[0].name, MODELS[0]) == "good"


def test_fetch_says_what_could_not_be_had(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="could not be fetched: npm @mediapipe/objectron"):
        run("fetch", "--dir", str(tmp_path))


def test_footage_has_a_second_origin() -> None:
    assert [origin.package.registry for origin in FOOTAGE.origins] == ["debian", "sdist"]
