"""The configuration: what is accepted, and the exact line for each thing that is not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.checks import DAYS, parse_clock, parse_days
from edge.config.load import (
    check_config,
    load_config,
)
from edge.config.model import Config, IntrusionRule, LineRule, LoiterRule, Schedule
from edge.config.references import find_idle_pairs, find_reference_faults, find_unwatched
from edge.config.walk import build
from edge.errors import Fault, ValidationError
from tests.support.config_texts import CAMERA, GOOD, RULE, check


def test_config_is_loaded_when_all_is_right(tmp_path: Path) -> None:
    path = tmp_path / "pole.toml"
    path.write_text(GOOD)
    config = load_config(path)
    assert config.pole.position is not None
    assert config.pole.position.height_m == 9.0
    assert [camera.name for camera in config.cameras] == ["road", "yard"]
    assert config.cameras[0].lines[0].end == (0.8, 0.5)
    assert config.cameras[0].ring_bytes == 15 * 1024 * 1024
    intrusion, line, loiter = config.rules
    assert isinstance(intrusion, IntrusionRule)
    assert intrusion.schedule == (Schedule(days="mon-sun", start="22:00", end="06:00"),)
    assert intrusion.severity == "major"
    assert isinstance(line, LineRule)
    assert [window.days for window in line.schedule] == ["sat,sun", "mon-fri"]
    assert isinstance(loiter, LoiterRule)
    assert (loiter.name, loiter.dwell_s, loiter.labels) == ("loiter", 30.0, ("person",))
    assert check_config(path) == ([], [])


def test_config_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert check(tmp_path, "\ufeff" + CAMERA) == ([], [])


BAD: dict[str, tuple[str, list[str]]] = {
    "point outside": (
        CAMERA + "zones = [{ name = 'z', points = [[1.2, 0], [1, 0], [1, 1]] }]",
        ["camera[0].zones[0].points[0].x: 1.2 is not in 0..1"],
    ),
    "point not a pair": (
        CAMERA + "zones = [{ name = 'z', points = [[1], [1, 0], [1, nan]] }]",
        [
            "camera[0].zones[0].points[0]: has 1 numbers, not 2; a point is [x, y]",
            "camera[0].zones[0].points[2].y: nan is not a number that can be used",
        ],
    ),
    "two points": (
        CAMERA + "zones = [{ name = 'z', points = [[0, 0], [1, 0]] }]",
        ["camera[0].zones[0].points: has 2 points; give at least 3"],
    ),
    "no area": (
        CAMERA + "zones = [{ name = 'z', points = [[0, 0], [0.5, 0.5], [1, 1]] }]",
        [
            "camera[0].zones[0].points: the polygon has no area; "
            "its points lie on one line; move one"
        ],
    ),
    "closed ring": (
        CAMERA + "ignore = [[[0, 0], [1, 0], [1, 1], [0, 0]]]",
        ["camera[0].ignore[0][3]: repeats points[0]; leave it out"],
    ),
    "bow tie": (
        CAMERA + "zones = [{ name = 'z', points = [[0, 0], [1, 1], [1, 0], [0, 1]] }]",
        [
            "camera[0].zones[0].points: the edge 0 to 1 meets the edge 2 to 3; "
            "list the corners in order around the zone"
        ],
    ),
    "line without length": (
        CAMERA + "lines = [{ name = 'l', from = [0.5, 0.5], to = [0.5, 0.5] }]",
        [
            "camera[0].lines[0]: the line has no length; from and to are the same point; move one",
        ],
    ),
    "unknown keys": (
        CAMERA + "wacth = true\n[retention]\nmedia_dyas = 30\n[update]\nurl = 'x'\n[xyz]\n",
        [
            "xyz: unknown key; known here: api, board, camera, link, output, pole, retention, "
            "rule, update",
            "camera[0].wacth: unknown key; did you mean watch?",
            "retention.media_dyas: unknown key; did you mean media_days?",
            "update.url: unknown key; this version has no keys here",
        ],
    ),
    "odd key": (
        CAMERA + '"a\\nb" = 1',
        [
            'camera[0]."a\\nb": unknown key; known here: credentials, ignore, kind, lines, main, '
            "name, post_roll_s, pre_roll_s, privacy, ring_bytes, sub, watch, zones"
        ],
    ),
    "missing keys": (
        "[[camera]]\nwatch = true",
        [
            'pole: is missing; write [pole] with id = "SG-017"',
            'camera[0].name: is missing; write name = "road"',
            'camera[0].main: is missing; write main = "rtsp://10.0.0.11/main"',
        ],
    ),
    "wrong types": (
        "pole = 3\n[board]\nprofile = true\n[[camera]]\nname = 7\nmain = 'a'\nwatch = 1\n"
        "ring_bytes = 1.5\npre_roll_s = true\nzones = 'all'",
        [
            "pole: is 3, not a table",
            "board.profile: true is not text; put it in quotes",
            "camera[0].name: 7 is not text; put it in quotes",
            "camera[0].watch: 1 is not true or false",
            "camera[0].ring_bytes: 1.5 is not a whole number",
            "camera[0].pre_roll_s: true is not a number",
            'camera[0].zones: is "all", not a list; write it in [ ]',
        ],
    ),
    "wrong brackets": (
        "[[pole]]\nid = 'a'\n[camera]\nname = 'c'",
        [
            "pole: is a list, not a table; write [pole]",
            "camera: is a table, not a list; write [[camera]]",
        ],
    ),
    "ranges": (
        CAMERA.replace('"a"', '"a"\nposition = { lat = 91, lon = 0 }')
        + "pre_roll_s = 61\nring_bytes = 1\n[retention]\nmedia_days = 7",
        [
            "pole.position.lat: 91 is not in -90..90 degrees",
            "camera[0].ring_bytes: 1 is not in 1048576..1073741824 bytes",
            "camera[0].pre_roll_s: 61 is not in 0..60 s",
            "retention.media_days: 7 is not in 30..400 days",
        ],
    ),
    "words": (
        CAMERA.replace('"a"', '"a"\ngbid = "5001"') + "kind = 'thermic'",
        [
            'pole.gbid: "5001" can\'t stand here; exactly 20 digits, in quotes',
            'camera[0].kind: "thermic" is not known; one of visible, thermal, both',
        ],
    ),
    "time zone": (
        CAMERA.replace('"a"', '"a"\ntimezone = "Asia/Chongking"'),
        ['pole.timezone: "Asia/Chongking" is not a time zone; write "Asia/Shanghai"'],
    ),
    "time zone is a path": (
        CAMERA.replace('"a"', '"a"\ntimezone = "../../etc/passwd"'),
        ['pole.timezone: "../../etc/passwd" is not a time zone; write "Asia/Shanghai"'],
    ),
    "password in url": (
        CAMERA + "sub = 'rtsp://admin:geheim@10.0.0.1/s'",
        [
            "camera[0].sub: has a password inside; put user and password in a file of mode 0600 "
            "and name it in credentials"
        ],
    ),
    "urls": (
        "[pole]\nid = 'a'\n[[camera]]\nname = 'c'\nmain = 'rstp://h/'\nsub = 'rtsp:///x'",
        [
            'camera[0].main: "rstp" is not a known kind of URL; one of rtsp://, rtsps://, http://, '
            "https://, isapi://",
            "camera[0].sub: has no host; write rtsp://HOST[:PORT]/PATH",
        ],
    ),
    "credentials missing": (
        CAMERA + "credentials = 'road.secret'",
        [
            'camera[0].credentials: "road.secret": can\'t be read: No such file or directory; '
            'make it beside the configuration, mode 0600, with user = "…" and password = "…"'
        ],
    ),
    "credentials elsewhere": (
        CAMERA + "credentials = '/etc/shadow'",
        [
            'camera[0].credentials: "/etc/shadow" can\'t stand here; '
            "the bare name of a file beside this one"
        ],
    ),
    "names twice": (
        RULE
        + '[[rule]]\ntype = "line"\nname = "r"\n[[camera]]\nname = "c"\nmain = "d"\n'
        + "lines = [{ name = 'l', from = [0, 0], to = [1, 1] },"
        + "{ name = 'l', from = [0, 1], to = [1, 0] }]",
        [
            'camera[1].name: "c" is already the name of camera[0]; give each its own name',
            'camera[1].lines[1].name: "l" is already the name of camera[1].lines[0]; '
            "give each its own name",
            'rule[1].name: "r" is already the name of rule[0]; give each its own name',
        ],
    ),
    "references": (
        RULE + "cameras = ['d']\nzones = ['kreb', 'kerb']",
        [
            'rule[0].cameras[0]: no camera "d"; known here: c',
            'rule[0].zones[0]: no zone "kreb"; did you mean kerb?',
        ],
    ),
    "references and the rest together": (
        RULE.replace("[1, 1]]", "[1, 2]]") + "zones = ['kreb']\nlabels = ['person', 'man']",
        [
            "camera[0].zones[0].points[2].y: 2 is not in 0..1",
            'rule[0].labels[1]: "man" is not known; one of person, car, truck, bus, vehicle, '
            "bicycle, motorcycle, dog, cat, animal, object",
            'rule[0].zones[0]: no zone "kreb"; did you mean kerb?',
        ],
    ),
    "line rule without a line": (
        RULE.replace("intrusion", "line"),
        ["rule[0]: its cameras have no line; draw one in lines of [[camera]]"],
    ),
    "no labels": (RULE + "labels = []", ["rule[0].labels: has 0 labels; give at least 1"]),
    "key of another type": (
        RULE + "dwell_s = 3\ndirection = 'in'\ndwel_s = 3",
        [
            "rule[0].dwell_s: is a key of loiter rules, not of intrusion; leave it out",
            "rule[0].direction: is a key of line rules, not of intrusion; leave it out",
            "rule[0].dwel_s: unknown key; known here: alerts_per_hour, cameras, clear_s, "
            "cooldown_s, debounce_s, labels, name, schedule, severity, type, zones",
        ],
    ),
    "rule types": (
        RULE.replace("intrusion", "parking") + '[[rule]]\ntype = "x"\n[[rule]]\nname = "y"',
        [
            'rule[0].type: "parking" is not in this version; one of intrusion, line, loiter',
            'rule[1].type: "x" is not a known type; one of intrusion, line, loiter',
            "rule[2].type: is missing; one of intrusion, line, loiter",
        ],
    ),
    "schedule": (
        RULE + "schedule = [{ days = 'mon-fry' }, { from = '7:00' }, { to = '24:01' }, "
        "{ from = '08:00', to = '08:00' }, { from = 07:00:00 }]",
        [
            'rule[0].schedule[0].days: "mon-fry" are not days; '
            'write "mon-fri", "sat,sun" or "mon-sun"',
            'rule[0].schedule[1].from: "7:00" is not a time of day; write "07:00", up to "24:00"',
            'rule[0].schedule[2].to: "24:01" is not a time of day; write "07:00", up to "24:00"',
            "rule[0].schedule[3]: from 08:00 to 08:00 is no span of time; "
            "leave both out for the whole day",
            "rule[0].schedule[4].from: a time is not text; put it in quotes",
        ],
    ),
    "one schedule": (
        RULE + "schedule = { days = '' }",
        ['rule[0].schedule.days: "" are not days; write "mon-fri", "sat,sun" or "mon-sun"'],
    ),
    "listen": (
        CAMERA + "[api]\nlisten = '0.0.0.0'",
        ['api.listen: "0.0.0.0" is not an address; write "127.0.0.1:8470"'],
    ),
    "plain on the network": (
        CAMERA + "[api]\nlisten = '0.0.0.0:8470'\ntls = false",
        [
            "api.tls: plain HTTP on 0.0.0.0:8470 is not offered; "
            "leave tls out, or listen on 127.0.0.1"
        ],
    ),
    "station_ca that is not there": (
        CAMERA + "[api]\nlisten = '0.0.0.0:8470'\nstation_ca = 'ca.pem'",
        [
            "api.station_ca: can't be read: No such file or directory; "
            "put the station's CA there as PEM"
        ],
    ),
    "station_ca elsewhere": (
        CAMERA + "[api]\nlisten = '0.0.0.0:8470'\nstation_ca = '../ca.pem'",
        ['api.station_ca: "../ca.pem" can\'t stand here; the bare name of a file beside this one'],
    ),
    "station_ca of nobody": (
        CAMERA + "[api]\nstation_ca = 'pole.toml'",
        [
            "api.station_ca: means nothing without TLS; leave it out, or set tls",
            "api.station_ca: holds no certificates in PEM that can be read; "
            "put the station's CA there as PEM",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD.keys())
def test_faults_are_all_told_when_config_is_wrong(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    faults, _ = check(tmp_path, text)
    assert faults == expected
    with pytest.raises(ValidationError) as caught:
        load_config(tmp_path / "pole.toml")
    assert str(caught.value).splitlines() == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"[pole]\nid = \n",
            "{} line 2, column 6: is not TOML: Invalid value; see https://toml.io",
        ),
        (b"[pole]\nid = 'a'\nid = 'b'\n", "is not TOML: Cannot overwrite a value"),
        (b"[pole]\nid = '\xff'\n", "{} line 2: is not UTF-8 text; save it as UTF-8"),
        (b"#" * (1024 * 1024 + 1), "{}: is longer than 1048576 bytes"),
        (b"a = " + b"[" * 20_000, "{}: is nested too deeply"),
        (b"a = " + b"9" * 20_000, "is not TOML"),
        (b"a." * 200_000 + b"a = 1", "{}: has a key of more than 32 parts"),
        (b"x = { " + b'"a b" . ' * 100_000 + b"a = 1 }", "has a key of more than 32 parts"),
        (b"[" + rb'"\"".' * 100_000 + b"a]", "has a key of more than 32 parts"),
    ],
    ids=["syntax", "twice", "encoding", "size", "nesting", "digits", "dots", "inline", "header"],
)
def test_one_fault_is_told_when_the_file_is_not_toml(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "pole.toml"
    path.write_bytes(content)
    faults, warnings = check_config(path)
    assert len(faults) == 1
    assert expected.format(path) in str(faults[0])
    assert warnings == []


def test_one_fault_is_told_when_there_is_no_file(tmp_path: Path) -> None:
    faults, _ = check_config(tmp_path / "none.toml")
    assert faults == [
        Fault(
            f"{tmp_path}/none.toml",
            "can't be read: No such file or directory",
            "give a file that exists",
        )
    ]
    assert len(check_config(tmp_path)[0]) == 1


def test_privacy_is_a_warning_when_masks_are_drawn(tmp_path: Path) -> None:
    faults, warnings = check(tmp_path, CAMERA + "privacy = [[[0, 0], [1, 0], [1, 1]]]")
    assert faults == []
    assert warnings == [
        "camera[0].privacy: this camera will not start in this version: masks can't be burnt in; "
        "leave it out if all may be stored and shown"
    ]


def test_warnings_are_told_when_a_rule_does_less_than_it_seems(tmp_path: Path) -> None:
    text = RULE + "cameras = ['c', 'd']\nzones = ['kerb']\nlabels = ['truck', 'car']\n"
    text += "schedule = { from = '22:00' }\n"
    faults, warnings = check(tmp_path, text + '[[camera]]\nname = "d"\nmain = "d.mp4"\n')
    assert faults == []
    assert warnings == [
        "rule[0].labels: nothing is labelled truck in this version; "
        'trucks, buses and motorcycles come as "vehicle" or "car"',
        'pole.timezone: not given, schedules run in UTC; write timezone = "Asia/Shanghai" '
        "or the pole's own",
        'rule[0].cameras[1]: "d" has none of the rule\'s zones; the rule does nothing there',
    ]


def test_rule_never_opens_is_told_when_nobody_watches_its_camera(tmp_path: Path) -> None:
    text = CAMERA + 'watch = false\n[[camera]]\nname = "d"\nmain = "d.mp4"\n'
    faults, warnings = check(
        tmp_path, text + '[[rule]]\ntype = "intrusion"\ncameras = ["d", "c"]\n'
    )
    assert faults == []
    assert warnings == [
        'rule[0].cameras[1]: "c" has watch = false: the rule never opens an alert there; '
        "leave watch out, or the rule",
    ]


def test_rule_about_all_cameras_never_opens_when_none_of_them_is_watched(tmp_path: Path) -> None:
    rule = '[[rule]]\ntype = "intrusion"\n'
    _, warnings = check(tmp_path, CAMERA + "watch = false\n" + rule)
    assert warnings == [
        "rule[0]: every camera has watch = false: the rule never opens an alert; "
        "leave watch out, or the rule",
    ]
    watched = '[[camera]]\nname = "d"\nmain = "d.mp4"\n'
    assert check(tmp_path, CAMERA + "watch = false\n" + watched + rule)[1] == []


@given(st.integers(0, 6), st.integers(0, 6))
def test_days_are_a_span_that_may_pass_sunday(first: int, last: int) -> None:
    days = parse_days(f"{DAYS[first]}-{DAYS[last]}")
    assert len(days) == (last - first) % 7 + 1
    assert {first, last} <= days


@given(st.integers(0, 24 * 60))
def test_clock_is_read_back_as_written(minute: int) -> None:
    assert parse_clock(f"{minute // 60:02}:{minute % 60:02}") == minute


known_keys = st.sampled_from(
    ["pole", "board", "camera", "cameras", "rule", "api", "name", "zones", "type", "schedule"]
)
toml_values = st.recursive(
    st.sampled_from([True, 3, 0.5, "intrusion", "a", "\x00\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(known_keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(known_keys, toml_values, max_size=4))
def test_any_document_gives_a_config_or_faults_of_one_line(document: dict[str, object]) -> None:
    config, faults = build(Config, document)
    assert (config is None) == bool(faults)
    faults += find_reference_faults(document) + find_idle_pairs(document)
    faults += find_unwatched(document)
    assert all("\n" not in str(fault) for fault in faults)


def test_defaults_are_those_of_an_empty_table() -> None:
    config, faults = build(Config, tomllib.loads('pole = { id = "a" }'))
    assert faults == []
    assert (config.api.listen, config.retention.media_days) == ("127.0.0.1:8470", 30)
