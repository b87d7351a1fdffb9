"""A station's configuration: what is accepted, and the exact line for each thing that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main
from edge.config.toml_file import FILE_BYTES_MAX
from edge.errors import ValidationError
from edge.station.load import MAP_BYTES_MAX, check_station, find_kind, load_station
from tests.support.authorities import Authority

HASH = "ab" * 32
GOOD = f"""
[station]
id = "port-1"
name = "Port police"
timezone = "Asia/Shanghai"
shifts = ["07:00", "15:00", "23:00"]

[[pole]]
name = "SG-017"
url = "https://10.8.0.17:8470"
token_file = "secret/SG-017.token"
ca = "ca.pem"
site = "North gate"

[[pole]]
name = "SG-018"
url = "http://127.0.0.1:8470"
token_file = "secret/SG-018.token"

[store]
path = "kept"

[[user]]
name = "chen"
token_hash = "{HASH}"

[[webhook]]
name = "dispatch"
url = "https://dispatch.local/polewatch"
secret_file = "secret/dispatch"

[tls]
certificate = "desk.pem"
key = "desk.key"

[map]
geojson = "port.geojson"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that GOOD names."""
    secrets = tmp_path / "secret"
    secrets.mkdir()
    for name in ("SG-017.token", "SG-018.token", "dispatch"):
        write_private(secrets / name, "pw_of_nobody_at_all\n")
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("desk")
    pair.certificate_path.rename(tmp_path / "desk.pem")
    pair.key_path.rename(tmp_path / "desk.key")
    (tmp_path / "desk.key").chmod(0o600)
    (tmp_path / "port.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    return tmp_path


def write_private(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def write(folder: Path, text: str) -> Path:
    path = folder / "station.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    found, _ = check_station(write(folder, text))
    return [str(fault) for fault in found]


def test_configuration_is_loaded_with_whole_paths_when_all_is_right(folder: Path) -> None:
    config = load_station(write(folder, GOOD))

    assert config.station.shifts == ("07:00", "15:00", "23:00")
    assert [pole.name for pole in config.poles] == ["SG-017", "SG-018"]
    assert config.poles[0].token_file == str(folder / "secret/SG-017.token")
    assert (config.poles[0].ca, config.poles[1].ca) == (str(folder / "ca.pem"), None)
    assert config.store.path == str(folder / "kept")
    assert config.webhooks[0].secret_file == str(folder / "secret/dispatch")
    assert config.tls is not None
    assert config.tls.key == str(folder / "desk.key")
    assert config.map is not None
    assert config.map.geojson == str(folder / "port.geojson")
    assert check_station(folder / "station.toml") == ([], [])


def test_configuration_may_be_almost_empty_and_is_warned_of(tmp_path: Path) -> None:
    found, warnings = check_station(write(tmp_path, "[station]\n"))

    assert found == []
    assert [str(each) for each in warnings] == [
        "pole: there is none: nothing is pulled; write [[pole]]",
        "user: there is none: nobody may look; polewatch station user NAME prints the lines",
        "station.timezone: not given, shifts run in UTC;"
        ' write timezone = "Asia/Shanghai" or the station\'s own',
    ]
    assert load_station(tmp_path / "station.toml").store.path == str(tmp_path / "station-data")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"SG-018"\n', '"SG-017"\n', 'pole[1].name: "SG-017" is already the name of pole[0]'),
        ('"SG-018"\n', '"port-1"\n', 'pole[1].name: "port-1" is the station\'s own id'),
        ('"Asia/Shanghai"', '"Asia/Nowhere"', 'station.timezone: "Asia/Nowhere" is not a time'),
        ('"15:00"', '"07:00"', 'station.shifts[1]: "07:00" stands there twice'),
        ('"15:00"', '"25:00"', "station.shifts[1]"),
        (":8470\"\ntoken_file = \"secret/SG-017", ":8470\"\ntoken_file = \"none",
         'pole[0].token_file: "none.token": can\'t be read: No such file'),
        ('"ca.pem"', '"port.geojson"', 'pole[0].ca: "port.geojson": holds no certificates in PEM'),
        ('"ca.pem"', '"secret"', 'pole[0].ca: "secret": can\'t be read: Is a directory'),
        ('"port.geojson"', '"desk.pem"', 'map.geojson: "desk.pem": is no JSON'),
        ('"desk.key"', '"none.key"', 'tls.key: "none.key": can\'t be read'),
        ('certificate = "desk.pem"', 'certificate = "ca.pem"',
         "tls.key: can't be used with tls.certificate: KEY_VALUES_MISMATCH"),
        ('"https://10.8.0.17:8470"', '"https://me:secret@10.8.0.17"', "pole[0].url: holds more"),
        ('"https://10.8.0.17:8470"', '"http://10.8.0.17"', "pole[0].ca: means nothing without"),
        ('"https://10.8.0.17:8470"', '"https://exa mple/x y"', "pole[0].url: has U+0020 in it"),
        ('"https://10.8.0.17:8470"', '"https://10.8.0.17/\\u007f"', "pole[0].url: has U+007F"),
        ('"https://10.8.0.17:8470"', '"https://a\\u00a0b"', "pole[0].url: has U+00A0"),
        ('"https://10.8.0.17:8470"', '"https://10.8.0.17:84700"',
         "pole[0].url: is no address of a server; write https://HOST:PORT, a PORT of 1..65535"),
        ('"https://10.8.0.17:8470"', '"https://gate|1"', "pole[0].url: is no address"),
        ('"https://10.8.0.17:8470"', '"https://gate..port"', "pole[0].url: is no address"),
        ('//dispatch.local/', '//dispatch.local:x/', "webhook[0].url: is no address"),
        ('path = "kept"', "path = 7", "store.path: 7 is not text; put it in quotes"),
        ('path = "kept"', 'pat = "kept"', "store.pat: unknown key; did you mean path?"),
    ],
)  # fmt: skip
def test_fault_is_told_with_its_place(folder: Path, old: str, new: str, told: str) -> None:
    assert GOOD.count(old) == 1
    found = faults(folder, GOOD.replace(old, new))
    assert len(found) == 1
    assert found[0].startswith(told)
    with pytest.raises(ValidationError):
        load_station(folder / "station.toml")


def test_all_faults_come_together(folder: Path) -> None:
    text = GOOD.replace('"SG-018"\n', '"SG-017"\n').replace('"15:00"', '"3pm"')
    (folder / "secret/dispatch").unlink()
    found = faults(folder, text + f'[[user]]\nname = "wang"\ntoken_hash = "{HASH}"\n')
    assert [fault.partition(":")[0] for fault in found] == [
        "station.shifts[1]", "pole[1].name", "user[1].token_hash", "webhook[0].secret_file",
    ]  # fmt: skip
    assert "can't be read: No such file" in found[-1]
    assert "already that of user[0]" in found[2]


def test_secret_that_others_may_read_is_warned_of_and_the_tls_key_is_refused(folder: Path) -> None:
    for name in ("SG-018.token", "dispatch"):
        (folder / "secret" / name).chmod(0o644)
    found, warnings = check_station(write(folder, GOOD))
    assert found == []
    assert [str(each) for each in warnings] == [
        'pole[1].token_file: "secret/SG-018.token": can be read by others (mode 0644);'
        " run chmod 0600 on it",
        'webhook[0].secret_file: "secret/dispatch": can be read by others (mode 0644);'
        " run chmod 0600 on it",
    ]
    assert len(load_station(folder / "station.toml").poles) == 2
    (folder / "desk.key").chmod(0o640)
    (told,) = faults(folder, GOOD)
    assert told.startswith('tls.key: "desk.key": can be read by others (mode 0640)')


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "does not hold one word of ASCII"),
        ("two words", "does not hold one word of ASCII"),
        ("ключ", "does not hold one word of ASCII"),
        ("x" * 5000, "is longer than 4096 bytes"),
    ],
)
def test_token_file_with_anything_else_is_refused(folder: Path, content: str, told: str) -> None:
    write_private(folder / "secret/SG-017.token", content)
    (found,) = faults(folder, GOOD)
    assert found.startswith('pole[0].token_file: "secret/SG-017.token": ')
    assert told in found
    assert "x" * 100 not in found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("too short", "does not hold one word of ASCII"),
        ("short", "has 5 bytes, at least 16 are needed"),
        ("whsec_***************", "is no base64 after whsec_"),
    ],
)
def test_secret_that_can_sign_nothing_is_refused(folder: Path, content: str, told: str) -> None:
    write_private(folder / "secret/dispatch", content)
    (found,) = faults(folder, GOOD)
    assert found.startswith('webhook[0].secret_file: "secret/dispatch": ')
    assert told in found


def test_token_in_place_of_its_hash_is_refused_and_not_repeated(folder: Path) -> None:
    (found,) = faults(folder, GOOD.replace(HASH, "pw_secret-of-chen"))
    assert found == (
        "user[0].token_hash: 17 characters that are no SHA-256 can't stand here;"
        " 64 hex digits in lower case"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"type": "Nothing"}', "is no GeoJSON"),
        ("[]", "is no GeoJSON"),
        ("[" * 100_000, "is no JSON"),
        (" " * (MAP_BYTES_MAX + 1), f"is longer than {MAP_BYTES_MAX} bytes"),
    ],
)
def test_map_that_is_none_is_refused(folder: Path, content: str, told: str) -> None:
    (folder / "port.geojson").write_text(content, encoding="utf-8")
    (found,) = faults(folder, GOOD)
    assert found.startswith('map.geojson: "port.geojson": ')
    assert told in found


def test_address_that_two_poles_have_is_warned_of(folder: Path) -> None:
    text = GOOD.replace("http://127.0.0.1:8470", "https://10.8.0.17:8470/")
    found, warnings = check_station(write(folder, text))
    assert found == []
    assert [fault.path for fault in warnings] == ["pole[1].url"]


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://10.8.0.18:8470", ["pole[1].url"]),
        ("HTTP://pole.example", ["pole[1].url"]),
        ("http://localhost:8470", []),
        ("http://[::1]:8470", []),
        ("https://10.8.0.18:8470", []),
    ],
)
def test_address_that_is_asked_in_clear_is_warned_of(
    folder: Path, url: str, warned: list[str]
) -> None:
    found, warnings = check_station(write(folder, GOOD.replace("http://127.0.0.1:8470", url)))
    assert found == []
    assert [fault.path for fault in warnings] == warned


@pytest.mark.parametrize(
    "url",
    [
        "https://[fe80::1%eth0]:8470", "https://gate_1.port.local.", "https://北门.example/a/b",
        "https://SG-017",
    ],
)  # fmt: skip
def test_address_of_any_server_is_taken(folder: Path, url: str) -> None:
    assert faults(folder, GOOD.replace("https://10.8.0.17:8470", url)) == []


def test_webhook_that_is_told_in_clear_is_warned_of(folder: Path) -> None:
    text = GOOD.replace("https://dispatch.local/polewatch", "http://10.9.9.9/x")
    found, warnings = check_station(write(folder, text))
    assert found == []
    assert [str(each) for each in warnings] == [
        "webhook[0].url: is plain HTTP: who is on the way reads every alert;"
        " write https://HOST:PORT"
    ]


@pytest.mark.parametrize("content", [b"\xff", b"[station", b" " * (FILE_BYTES_MAX + 1)])
def test_file_that_is_no_toml_is_one_fault(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "station.toml"
    path.write_bytes(content)
    found, _ = check_station(path)
    assert len(found) == 1
    with pytest.raises(ValidationError):
        find_kind(path)
    with pytest.raises(ValidationError):
        load_station(path)


def test_check_knows_a_station_from_a_pole(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(folder, GOOD)
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: good\n"
    write(folder, GOOD.replace('"kept"', "7"))
    assert main(["check", str(path)]) == 2
    assert capsys.readouterr().out.startswith("store.path: 7 is not text")
    write(folder, '[pole]\nid = "SG-017"\n')
    assert main(["check", str(path)]) == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[station]", "station"),
        ("[[pole]]", "station"),
        ("[[user]]", "station"),
        ("[store]", "station"),
        ("[[webhook]]", "station"),
        ("[[users]]\n[store]", "station"),
        ("[pole]", "pole"),
        ("[[camera]]", "pole"),
        ("[[rule]]", "pole"),
        ("[[users]]\n[api]", None),
        ("", None),
    ],
)
def test_kind_is_judged_by_what_is_there(tmp_path: Path, text: str, kind: str | None) -> None:
    assert find_kind(write(tmp_path, text)) == kind


def test_check_says_where_it_can_not_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, '[api]\n[[users]]\nname = "chen"\n')
    assert main(["check", str(path)]) == 2
    assert capsys.readouterr().out == (
        f"{path}: may be a station's or a pole's: it has no table that only one of them has;"
        " write [station], or [pole] with id\n"
    )
    assert main(["check", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: can't be read: No such file" in capsys.readouterr().out
