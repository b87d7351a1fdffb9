"""`polewatch eye`: what its arguments come to, and which of them do not go together."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from edge.commands.eye import add_arguments, make_options
from edge.errors import ValidationError
from edge.eye.main import Options
from tests.support.config_texts import CAMERA, GOOD

BARE = '[[rule]]\ntype = "intrusion"\n'


def ask(*arguments: str) -> Options:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return make_options(parser.parse_args(arguments))


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_camera_chooses_from_the_rules_file_when_a_source_is_given(tmp_path: Path) -> None:
    rules = write(tmp_path, GOOD)
    with pytest.raises(ValidationError, match="say --camera with one of road, yard"):
        ask("clip.mp4", "--rules", rules)
    road = ask("clip.mp4", "--rules", rules, "--camera", "road")
    assert [rule.name for rule in road.rules.rules] == ["kerb-night", "gate-in", "loiter"]
    assert [zone.name for zone in road.rules.zones] == ["kerb"]
    yard = ask("clip.mp4", "--rules", rules, "--camera", "yard")
    assert [rule.name for rule in yard.rules.rules] == ["gate-in", "loiter"]
    assert (yard.camera, yard.main) == ("clip", "clip.mp4")


def test_camera_that_the_rules_file_has_not_is_refused(tmp_path: Path) -> None:
    rules = write(tmp_path, GOOD)
    with pytest.raises(ValidationError, match='no camera "raod"; did you mean road'):
        ask("clip.mp4", "--rules", rules, "--camera", "raod")
    with pytest.raises(ValidationError, match='no camera "road"; the file has no cameras'):
        ask("clip.mp4", "--rules", write(tmp_path, BARE), "--camera", "road")


def test_camera_of_the_configuration_takes_rules_without_cameras(tmp_path: Path) -> None:
    config = tmp_path / "pole.toml"
    config.write_text(CAMERA, encoding="utf-8")
    given = ("--config", str(config), "--rules", write(tmp_path, BARE))
    assert [rule.name for rule in ask("--camera", "c", *given).rules.rules] == ["intrusion"]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("",), "SOURCE"),
        (("clip.mp4", "--sub", ""), "--sub"),
        (("clip.mp4", "--out", ""), "--out"),
        (("clip.mp4", "--rules", ""), "--rules"),
        (("--camera", "road", "--config", ""), "--config"),
    ],
)
def test_empty_name_is_not_taken_for_the_current_folder(
    arguments: tuple[str, ...], path: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        ask(*arguments)
    (fault,) = raised.value.faults
    assert str(fault) == f"{path}: is empty; give a name, or leave it out"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a SOURCE, or --camera NAME"),
        (("clip.mp4", "--camera", "road"), "--rules"),
        (("clip.mp4", "--config", "pole.toml"), "goes with --camera"),
        (
            ("clip.mp4", "--camera", "a", "--rules", "r.toml", "--config", "pole.toml"),
            "not with SOURCE",
        ),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ask(*arguments)
