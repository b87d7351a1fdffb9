"""Credentials files, rules files, and what one camera gets of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.config.load import (
    load_config,
    load_credentials,
    load_rules,
    make_camera_rules,
    make_trial_rules,
    parse_drawing,
)
from edge.config.model import Api, IntrusionRule, LoiterRule
from edge.errors import ValidationError
from tests.support.authorities import Authority
from tests.support.config_texts import CAMERA, GOOD, check

SQUARE_ZONE = "zones = [{ name = 'z', points = [[0, 0], [1, 0], [1, 1], [0, 1]] }]\n"


def test_credentials_are_loaded_when_private(tmp_path: Path) -> None:
    path = tmp_path / "road.secret"
    path.write_text('user = "viewer"\npassword = "geheim"\n')
    path.chmod(0o600)
    credentials = load_credentials(path)
    assert (credentials.user, credentials.password) == ("viewer", "geheim")
    assert "geheim" not in repr(credentials)
    assert check(tmp_path, CAMERA + "credentials = 'road.secret'") == ([], [])


def test_station_ca_is_good_when_it_is_a_certificate_in_pem(tmp_path: Path) -> None:
    Authority(tmp_path, "ca")
    api = "[api]\nlisten = '0.0.0.0:8470'\nstation_ca = 'ca.pem'"
    assert check(tmp_path, f"{CAMERA}{api}") == ([], [])
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    faults, _ = check(tmp_path, f"{CAMERA}{api}")
    assert faults == [
        "api.station_ca: holds no certificates in PEM that can be read; "
        "put the station's CA there as PEM"
    ]


@pytest.mark.parametrize(
    ("listen", "tls", "has_tls"),
    [
        ("127.0.0.1:8470", None, False),
        ("localhost:1", None, False),
        ("[::1]:8470", None, False),
        ("127.0.0.1:8470", True, True),
        ("0.0.0.0:8470", None, True),
        ("[::]:8470", None, True),
        ("10.0.0.5:8470", True, True),
    ],
)
def test_address_decides_about_tls_when_nothing_else_does(
    listen: str, tls: bool | None, has_tls: bool
) -> None:
    assert Api(listen=listen, tls=tls).has_tls == has_tls


@pytest.mark.parametrize("key", ["main", "sub"])
@pytest.mark.parametrize("user", ["admin", ""])
def test_user_inside_an_address_is_a_fault_beside_credentials(
    tmp_path: Path, key: str, user: str
) -> None:
    path = tmp_path / "road.secret"
    path.write_text('user = "viewer"\npassword = "geheim"\n')
    path.chmod(0o600)
    text = f'[pole]\nid = "a"\n[[camera]]\nname = "c"\n{key} = "RTSP://{user}@10.0.0.1/x"\n'
    text += 'main = "rtsp://10.0.0.1/m"\n' if key == "sub" else ""
    assert check(tmp_path, text) == ([], [])
    faults, _ = check(tmp_path, text + 'credentials = "road.secret"\n')
    assert faults == [
        f"camera[0].{key}: names a user, and so does credentials; leave out what stands before @"
    ]


def test_credentials_are_refused_when_others_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "road.secret"
    path.write_text('user = "viewer"\npassword = "geheim"\n')
    path.chmod(0o640)
    faults, _ = check(tmp_path, CAMERA + "credentials = 'road.secret'")
    assert faults == [
        'camera[0].credentials: "road.secret": can be read by others (mode 0640); '
        "run chmod 0600 on it"
    ]


def test_credentials_are_refused_without_repeating_them_when_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "road.secret"
    path.write_text('user = "viewer"\npasswort = "geheim"\n')
    path.chmod(0o600)
    faults, _ = check(tmp_path, CAMERA + "credentials = 'road.secret'")
    assert faults == [
        'camera[0].credentials: "road.secret": passwort unknown key; did you mean password?',
        'camera[0].credentials: "road.secret": password is missing; write password = "…"',
    ]


BARE = """
timezone = "Asia/Shanghai"
zones = [{ name = "kerb", points = [[0, 0], [1, 0], [1, 1]] }]
lines = [{ name = "gate", from = [0, 0], to = [1, 1] }]
ignore = [[[0, 0], [1, 0], [1, 0.1]]]
[[rule]]
type = "intrusion"
name = "r"
cameras = ["any"]
zones = ["kerb"]
"""


def test_bare_rules_file_applies_whole_to_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(BARE)
    chosen = load_rules(path).for_camera()
    assert str(chosen.timezone) == "Asia/Shanghai"
    assert [zone.name for zone in chosen.zones] == ["kerb"]
    assert [line.name for line in chosen.lines] == ["gate"]
    assert len(chosen.ignore) == 1
    assert chosen.rules == (IntrusionRule(name="r", zones=("kerb",)),)
    assert load_rules(path).for_camera("any") == chosen


def test_rules_file_may_have_the_shape_of_a_config_without_names(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        '[pole]\ntimezone = "Asia/Shanghai"\n[[camera]]\n'
        + SQUARE_ZONE
        + '[[rule]]\ntype = "loiter"\nzones = ["z"]\n'
    )
    chosen = load_rules(path).for_camera()
    assert [zone.name for zone in chosen.zones] == ["z"]
    assert str(chosen.timezone) == "Asia/Shanghai"
    assert chosen.rules == (LoiterRule(zones=("z",)),)


def test_rules_file_may_be_a_whole_config_without_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(GOOD.replace('name = "yard"', 'name = "yard"\ncredentials = "gone.secret"'))
    rules = load_rules(path)
    assert [rule.name for rule in rules.for_camera("yard").rules] == ["gate-in", "loiter"]
    assert [rule.name for rule in rules.for_camera("road").rules] == [
        "kerb-night",
        "gate-in",
        "loiter",
    ]
    with pytest.raises(
        ValidationError, match="the file has several; say --camera with one of road, yard"
    ):
        rules.for_camera()
    with pytest.raises(ValidationError, match='no camera "raod"; did you mean road'):
        rules.for_camera("raod")


def test_rules_file_is_refused_with_all_faults(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(BARE.replace('"kerb"]', '"kreb"]').replace("[1, 1]] }", "[1, 9]] }") + "x = 1")
    with pytest.raises(ValidationError) as caught:
        load_rules(path)
    assert str(caught.value).splitlines() == [
        "rule[0].x: unknown key; known here: alerts_per_hour, cameras, clear_s, cooldown_s, "
        "debounce_s, labels, name, schedule, severity, type, zones",
        "zones[0].points[2].y: 9 is not in 0..1",
        'rule[0].zones[0]: no zone "kreb"; did you mean kerb?',
    ]


def test_rules_file_is_refused_when_top_and_camera_share_a_zone_name(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(SQUARE_ZONE + "[[camera]]\n" + SQUARE_ZONE)
    with pytest.raises(ValidationError, match=r'camera\[0\].zones\[0\].name: "z" is already'):
        load_rules(path)


def test_drawing_is_parsed_by_the_rules_of_the_file() -> None:
    zone: dict[str, Any] = {"name": "z", "points": [[0, 0], [1, 0], [1, 1]]}
    line = {"name": "l", "from": [0, 0], "to": [1, 1]}
    zones, lines = parse_drawing([zone], [line])
    assert (zones[0].points[2], lines[0].end) == ((1.0, 1.0), (1.0, 1.0))
    with pytest.raises(ValidationError) as caught:
        parse_drawing([zone, zone], [line | {"to": [0, 0]}])
    assert [fault.path for fault in caught.value.faults] == ["lines[0]", "zones[1].name"]


def test_camera_rules_are_chosen_from_a_config_by_name(tmp_path: Path) -> None:
    path = tmp_path / "pole.toml"
    path.write_text(GOOD)
    chosen = make_camera_rules(load_config(path), "yard")
    assert [rule.name for rule in chosen.rules] == ["gate-in", "loiter"]
    assert chosen.zones == ()
    assert [rule.type for rule in make_trial_rules().rules] == ["intrusion"]
