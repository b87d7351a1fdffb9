"""Loads a station's configuration: every fault at once, also of the files that it names.

The shapes stand in `config.py`. In what comes back every path is absolute.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from edge.config.checks import quote
from edge.config.load import open_timezone
from edge.config.model import Api, LooseConfig
from edge.config.references import Table, find_repeats, tables
from edge.config.station_ca import read_station_ca
from edge.config.toml_file import (
    FILE_BYTES_MAX,
    check_plain,
    check_private,
    find_looseness,
    parse_toml,
    read_text,
)
from edge.config.walk import build, key_of
from edge.errors import Fault, ValidationError
from edge.station.config import PoleSite, Station, StationConfig, Webhook
from edge.station.outward.signature import parse_secret

MAP_BYTES_MAX = 4 * 1024 * 1024
_GEOJSON_TYPES = (
    "FeatureCollection", "Feature", "GeometryCollection", "Point", "MultiPoint", "LineString",
    "MultiLineString", "Polygon", "MultiPolygon",
)  # fmt: skip
"""RFC 7946 §1.4."""
_LOOPBACK = {name.strip("[]") for name in Api.LOOPBACK}


@dataclass(frozen=True, slots=True)
class _NamedFile:
    """A file that the configuration names: where, what must be true of it, what belongs there."""

    where: str
    name: str
    check: Callable[[Path], None]
    remedy: str


def load_station(path: Path) -> StationConfig:
    """Load a configuration; relative paths in it begin at its folder.

    Raises:
        ValidationError: with all its faults, or that the file can't be read.
    """
    document = parse_toml(read_text(path, FILE_BYTES_MAX), path)
    config, faults = build(StationConfig, document)
    faults += _faults_around(document, path.parent)
    if faults:
        raise ValidationError(faults)
    assert isinstance(config, StationConfig)
    return _with_whole_paths(config, path.parent.absolute())


def check_station(path: Path) -> tuple[list[Fault], list[Fault]]:
    """Find everything wrong with a configuration.

    Returns:
        The faults, and the warnings, which don't stop a station from starting.
    """
    try:
        document = parse_toml(read_text(path, FILE_BYTES_MAX), path)
    except ValidationError as error:
        return list(error.faults), []
    _, faults = build(StationConfig, document)
    warnings = _warnings(document) + _loose_secrets(document, path.parent)
    return faults + _faults_around(document, path.parent), warnings


def find_kind(path: Path) -> Literal["pole", "station"] | None:
    """Tell by its tables whose configuration a file is; None: it has only what both may have.

    Raises:
        ValidationError: it can't be read.
    """
    document = parse_toml(read_text(path, FILE_BYTES_MAX), path)
    stations, poles = (
        {key_of(each) for each in fields(cls)} for cls in (StationConfig, LooseConfig)
    )
    if isinstance(document.get("pole"), list) or document.keys() & (stations - poles):
        return "station"
    return "pole" if "pole" in document or document.keys() & (poles - stations) else None


def _faults_around(document: Table, folder: Path) -> list[Fault]:
    """Find what lies between tables and outside the file."""
    faults = _timezone_faults(document) + _name_faults(document)
    faults += _shift_faults(document)
    for file in _named_files(document):
        faults += _file_faults(file, folder)
    return faults + ([] if faults else _tls_faults(_own_table(document, "tls"), folder))


def _timezone_faults(document: Table) -> list[Fault]:
    name = _own_table(document, "station").get("timezone")
    if not isinstance(name, str):
        return []
    try:
        open_timezone(name)
    except ValidationError as error:
        return [replace(fault, path="station.timezone") for fault in error.faults]
    return []


def _name_faults(document: Table) -> list[Fault]:
    """Find names and tokens that two have, and a pole that is called as the station is."""
    faults: list[Fault] = []
    for key in ("pole", "user", "webhook"):
        names = [(index, table.get("name")) for index, table in tables(document, key)]
        faults += find_repeats(key, names)
    own = _own_table(document, "station").get("id", Station().id)
    faults += [
        Fault(f"pole[{index}].name", f"{quote(own)} is the station's own id", "choose another")
        for index, pole in tables(document, "pole")
        if pole.get("name") == own
    ]
    first: dict[object, int] = {}
    for index, user in tables(document, "user"):
        digest = user.get("token_hash")
        if isinstance(digest, str) and first.setdefault(digest, index) != index:
            problem = f"is already that of user[{first[digest]}]"
            remedy = "make each person a token: polewatch station user NAME"
            faults.append(Fault(f"user[{index}].token_hash", problem, remedy))
    return faults


def _shift_faults(document: Table) -> list[Fault]:
    shifts = _own_table(document, "station").get("shifts")
    if not isinstance(shifts, list):
        return []
    return [
        Fault(f"station.shifts[{index}]", f"{quote(shift)} stands there twice", "leave it out")
        for index, shift in enumerate(shifts)
        if shift in shifts[:index]
    ]


def _named_files(document: Table) -> Iterator[_NamedFile]:
    """Every file that the configuration names, in its order."""
    for index, pole in tables(document, "pole"):
        yield from _files_of(f"pole[{index}]", pole, token_file=_check_token, ca=_check_ca)
    for index, webhook in tables(document, "webhook"):
        yield from _files_of(f"webhook[{index}]", webhook, secret_file=_check_secret, ca=_check_ca)
    yield from _files_of("map", _own_table(document, "map"), geojson=_check_map)
    own = _own_table(document, "tls")
    yield from _files_of("tls", own, certificate=_check_ca, key=_check_key)


def _files_of(where: str, table: Table, **checks: Callable[[Path], None]) -> Iterator[_NamedFile]:
    for key, check in checks.items():
        name = table.get(key)
        if isinstance(name, str) and name and "\0" not in name:
            yield _NamedFile(f"{where}.{key}", name, check, _REMEDIES[check])


def _file_faults(file: _NamedFile, folder: Path) -> list[Fault]:
    path = folder / file.name
    try:
        file.check(path)
    except ValidationError as error:
        return [
            Fault(file.where, f"{quote(file.name)}: {fault.problem}", fault.remedy)
            for fault in error.faults
        ]
    except (ValueError, OSError) as exc:
        return [Fault(file.where, f"{quote(file.name)}: {exc}", file.remedy)]
    return []


def _check_token(path: Path) -> None:
    check_plain(path, content="the pole's token alone")
    _check_one_line(path)


def _check_secret(path: Path) -> None:
    check_plain(path, content="the webhook's secret alone")
    _check_one_line(path)
    parse_secret(read_text(path, FILE_BYTES_MAX).strip())


def _check_key(path: Path) -> None:
    check_private(path, content="the station's private key as PEM")
    if "PRIVATE KEY-----" not in read_text(path, FILE_BYTES_MAX):
        raise ValueError("holds no private key in PEM")


def _tls_faults(table: Table, folder: Path) -> list[Fault]:
    """Refuse a certificate and a key that don't belong together."""
    certificate, key = table.get("certificate"), table.get("key")
    if not isinstance(certificate, str) or not isinstance(key, str):
        return []
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(folder / certificate, folder / key, password=_refuse_password)
    except (ssl.SSLError, ValueError, OSError) as exc:
        reason = exc.reason if isinstance(exc, ssl.SSLError) and exc.reason else exc
        problem = f"can't be used with tls.certificate: {reason}"
        return [Fault("tls.key", problem, "give the pair as PEM, the key without a password")]
    return []


def _refuse_password() -> str:
    """Asked for where a key is encrypted; without this OpenSSL asks the terminal."""
    raise ValueError("it is encrypted")


def _check_one_line(path: Path) -> None:
    text = read_text(path, 4096).strip()
    if not text or not text.isascii() or any(each.isspace() for each in text):
        raise ValueError("does not hold one word of ASCII")


def _check_ca(path: Path) -> None:
    read_station_ca(path)


def _check_map(path: Path) -> None:
    try:
        found = msgspec.json.decode(read_text(path, MAP_BYTES_MAX))
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ValueError(f"is no JSON: {exc}") from exc
    if not isinstance(found, dict) or found.get("type") not in _GEOJSON_TYPES:
        raise ValueError("is no GeoJSON: it has no type that RFC 7946 knows")


_REMEDIES: dict[Callable[[Path], None], str] = {
    _check_token: "put there the text that polewatch token new … printed at the pole",
    _check_secret: "put there one secret, as the receiver has it",
    _check_key: "put there the key of tls.certificate",
    _check_ca: "put the certificate there as PEM",
    _check_map: "put there a GeoJSON file, WGS 84",
}


def _own_table(document: Table, key: str) -> Table:
    """A table of the file; empty where there is none, or something else."""
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _warnings(document: Table) -> list[Fault]:
    warnings = []
    if not tables(document, "pole"):
        warnings.append(Fault("pole", "there is none: nothing is pulled", "write [[pole]]"))
    if not tables(document, "user"):
        remedy = "polewatch station user NAME prints the lines"
        warnings.append(Fault("user", "there is none: nobody may look", remedy))
    if "timezone" not in _own_table(document, "station"):
        remedy = 'write timezone = "Asia/Shanghai" or the station\'s own'
        warnings.append(Fault("station.timezone", "not given, shifts run in UTC", remedy))
    first: dict[str, int] = {}
    for index, pole in tables(document, "pole"):
        url = pole.get("url")
        if isinstance(url, str) and first.setdefault(url.rstrip("/"), index) != index:
            problem = f"is that of pole[{first[url.rstrip('/')]}]: the second is not pulled"
            warnings.append(Fault(f"pole[{index}].url", problem, "one of them is a slip"))
    return warnings + _clear_addresses(document)


def _clear_addresses(document: Table) -> list[Fault]:
    """Find who is asked or told in clear over the network."""
    dangers = {
        "pole": "who is on the way reads the token, and may answer as the pole",
        "webhook": "who is on the way reads every alert",
    }
    return [
        Fault(f"{key}[{index}].url", f"is plain HTTP: {danger}", "write https://HOST:PORT")
        for key, danger in dangers.items()
        for index, table in tables(document, key)
        if isinstance(url := table.get("url"), str) and _is_open_to_all(url)
    ]


def _is_open_to_all(url: str) -> bool:
    """Whether an address is asked in clear, and not within this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname not in _LOOPBACK
    except ValueError:  # no address at all, which is a fault of its own
        return False


def _loose_secrets(document: Table, folder: Path) -> list[Fault]:
    """Find tokens and secrets that others may read: told, but no station goes blind for it."""
    warnings = []
    for file in _named_files(document):
        if file.check in (_check_token, _check_secret):
            loose = find_looseness(folder / file.name)
            if loose is not None:
                told = f"{quote(file.name)}: {loose.problem}"
                warnings.append(Fault(file.where, told, loose.remedy))
    return warnings


def _with_whole_paths(config: StationConfig, folder: Path) -> StationConfig:
    """The same with absolute paths."""

    def whole(name: str) -> str:
        return str(folder / name)

    def with_ca(table: Any) -> Any:
        return table if table.ca is None else replace(table, ca=whole(table.ca))

    poles: list[PoleSite] = [
        replace(with_ca(pole), token_file=whole(pole.token_file)) for pole in config.poles
    ]
    webhooks: list[Webhook] = [
        replace(with_ca(hook), secret_file=whole(hook.secret_file)) for hook in config.webhooks
    ]
    tls = config.tls and replace(
        config.tls, certificate=whole(config.tls.certificate), key=whole(config.tls.key)
    )
    own_map = config.map and replace(config.map, geojson=whole(config.map.geojson))
    store = replace(config.store, path=whole(config.store.path))
    return replace(
        config,
        poles=tuple(poles), webhooks=tuple(webhooks), tls=tls, map=own_map, store=store,
    )  # fmt: skip
