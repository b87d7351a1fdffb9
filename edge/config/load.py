"""Loads the configuration, a rules file or a credentials file; `toml_file.py` opens them.

All faults come together; the shapes stand in `model.py`, the strictness in `walk.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.config.checks import quote
from edge.config.model import (
    AnyRule,
    Camera,
    CameraRules,
    Config,
    Credentials,
    IntrusionRule,
    Line,
    LooseCamera,
    LooseConfig,
    Zone,
)
from edge.config.not_built import find_idle_labels, find_not_built
from edge.config.references import (
    Table,
    find_idle_pairs,
    find_reference_faults,
    find_unwatched,
    tables,
)
from edge.config.toml_file import FILE_BYTES_MAX, check_private, parse_toml, read_text
from edge.config.walk import build, suggest
from edge.errors import Fault, ValidationError
from edge.model import Json

CREDENTIALS_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class RulesFile:
    """A rules file as loaded: bare, or shaped like a configuration."""

    config: LooseConfig

    def for_camera(self, camera: str | None = None) -> CameraRules:
        """Choose what applies to one camera.

        Args:
            camera: a camera's name in the file; None for a bare clip: then a file with at most
                one camera applies whole, and the rules' `cameras` filters are ignored.

        Returns:
            What stands at the top of the file together with what is drawn on the camera.

        Raises:
            ValidationError: there is no such camera, or several and none was chosen.
        """
        config = self.config
        if camera is not None and config.cameras:
            chosen: Camera = find_camera(config.cameras, camera)
            rules = _rules_for(camera, config.rules)
        elif len(config.cameras) > 1:
            names = ", ".join(each.name for each in config.cameras)
            remedy = f"say --camera with one of {names}"
            raise ValidationError([Fault("camera", "the file has several", remedy)])
        else:
            chosen = config.cameras[0] if config.cameras else LooseCamera()
            rules = tuple(replace(rule, cameras=()) for rule in config.rules)
        return CameraRules(
            timezone=open_timezone(config.timezone or config.pole.timezone),
            ignore=config.ignore + chosen.ignore,
            zones=config.zones + chosen.zones,
            lines=config.lines + chosen.lines,
            rules=rules,
        )


def load_config(path: Path) -> Config:
    """Load a configuration.

    Raises:
        ValidationError: with all its faults, or that the file can't be read.
    """
    document = parse_toml(read_text(path, FILE_BYTES_MAX), path)
    config, faults = build(Config, document)
    faults += _faults_around(document, path.parent)
    if faults:
        raise ValidationError(faults)
    assert isinstance(config, Config)
    return config


def check_config(path: Path) -> tuple[list[Fault], list[Fault]]:
    """Find everything wrong with a configuration.

    Returns:
        The faults, and the warnings, which don't stop a pole from starting.
    """
    try:
        text = read_text(path, FILE_BYTES_MAX)
    except ValidationError as error:
        return list(error.faults), []
    return check_config_text(text, path)


def check_config_text(text: str, path: Path) -> tuple[list[Fault], list[Fault]]:
    """Find everything wrong with a configuration before it is written to a file.

    Args:
        text: the TOML.
        path: where it would lie; the files that it names are looked for beside it.

    Returns:
        As `check_config`.
    """
    try:
        document = parse_toml(text, path)
    except ValidationError as error:
        return list(error.faults), []
    _, faults = build(Config, document)
    return faults + _faults_around(document, path.parent), _warnings(document)


def load_rules(path: Path) -> RulesFile:
    """Load a rules file for `polewatch eye SOURCE --rules FILE`, as strict as a configuration.

    Credentials files it names are not looked at: a copied configuration can be tried anywhere.

    Raises:
        ValidationError: with all its faults, or that the file can't be read.
    """
    document = parse_toml(read_text(path, FILE_BYTES_MAX), path)
    config, faults = build(LooseConfig, document)
    faults += find_reference_faults(document) + _timezone_faults(document)
    if faults:
        raise ValidationError(faults)
    assert isinstance(config, LooseConfig)
    return RulesFile(config)


def parse_drawing(zones: Json, lines: Json) -> tuple[tuple[Zone, ...], tuple[Line, ...]]:
    """Understand zones and lines that came over the wire, by the rules of the file.

    Raises:
        ValidationError: with all their faults.
    """
    document = {"zones": zones, "lines": lines}
    config, faults = build(LooseConfig, document)
    faults += find_reference_faults(document)
    if faults:
        raise ValidationError(faults)
    assert isinstance(config, LooseConfig)
    return config.zones, config.lines


def load_credentials(path: Path) -> Credentials:
    """Load a camera's user and password from a file that only its owner can read.

    Raises:
        ValidationError: missing, readable by others, or not `user` and `password`.
    """
    check_private(path, content='user = "…" and password = "…"')
    credentials, faults = build(
        Credentials, parse_toml(read_text(path, CREDENTIALS_BYTES_MAX), path)
    )
    if faults:
        raise ValidationError(faults)
    assert isinstance(credentials, Credentials)
    return credentials


def make_camera_rules(config: Config, camera: str) -> CameraRules:
    """Choose from a whole configuration what applies to one of its cameras.

    Raises:
        ValidationError: there is no such camera.
    """
    chosen = find_camera(config.cameras, camera)
    return CameraRules(
        timezone=open_timezone(config.pole.timezone),
        ignore=chosen.ignore,
        zones=chosen.zones,
        lines=chosen.lines,
        rules=_rules_for(camera, config.rules),
    )


def make_trial_rules() -> CameraRules:
    """Give what an eye without rules uses: one intrusion rule over everything, to try out."""
    return CameraRules(timezone=open_timezone("UTC"), rules=(IntrusionRule(name="everything"),))


def find_camera(cameras: Sequence[Camera], name: str) -> Camera:
    """Find a camera by name.

    Raises:
        ValidationError: there is none.
    """
    for camera in cameras:
        if camera.name == name:
            return camera
    remedy = suggest(name, {camera.name for camera in cameras})
    raise ValidationError([Fault("camera", f"no camera {quote(name)}", remedy)])


def open_timezone(name: str) -> ZoneInfo:
    """Open a time zone by its IANA name.

    Raises:
        ValidationError: this system has no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        fault = Fault("timezone", f"{quote(name)} is not a time zone", 'write "Asia/Shanghai"')
        raise ValidationError([fault]) from exc


def _rules_for(camera: str, rules: Sequence[AnyRule]) -> tuple[AnyRule, ...]:
    return tuple(rule for rule in rules if not rule.cameras or camera in rule.cameras)


def _faults_around(document: Table, folder: Path) -> list[Fault]:
    """Find what lies between tables and outside the file."""
    faults = find_reference_faults(document) + _timezone_faults(document)
    faults += _station_ca_faults(document, folder)
    for index, camera in tables(document, "camera"):
        name = camera.get("credentials")
        if isinstance(name, str) and name and "/" not in name and "\0" not in name:
            try:
                load_credentials(folder / name)
            except ValidationError as error:
                where = f"camera[{index}].credentials"
                faults += [
                    Fault(where, f"{quote(name)}: {fault.problem}", fault.remedy)
                    if fault.path.startswith(str(folder / name))
                    else Fault(where, f"{quote(name)}: {fault.path} {fault.problem}", fault.remedy)
                    for fault in error.faults
                ]
    return faults


def _station_ca_faults(document: Table, folder: Path) -> list[Fault]:
    api = document.get("api")
    name = api.get("station_ca") if isinstance(api, dict) else None
    if not isinstance(name, str) or not name or "/" in name or "\0" in name:
        return []
    # Imported where it is used: it takes 18 ms, and every eye reads the configuration.
    from edge.config.station_ca import find_station_ca_fault

    fault = find_station_ca_fault(folder / name)
    return [replace(fault, path="api.station_ca")] if fault else []


def _timezone_faults(document: Table) -> list[Fault]:
    pole = document.get("pole")
    places = [("timezone", document), ("pole.timezone", pole if isinstance(pole, dict) else {})]
    faults = []
    for path, table in places:
        name = table.get("timezone")
        if isinstance(name, str):
            try:
                open_timezone(name)
            except ValidationError as error:
                faults += [replace(fault, path=path) for fault in error.faults]
    return faults


def _warnings(document: Table) -> list[Fault]:
    warnings: list[Fault] = []
    for index, camera in tables(document, "camera"):
        warnings += find_not_built(f"camera[{index}]", camera)
    for index, rule in tables(document, "rule"):
        warnings += find_idle_labels(f"rule[{index}]", rule.get("labels"))
    pole = document.get("pole")
    has_timezone = isinstance(pole, dict) and "timezone" in pole
    if not has_timezone and any("schedule" in rule for _, rule in tables(document, "rule")):
        remedy = 'write timezone = "Asia/Shanghai" or the pole\'s own'
        warnings.append(Fault("pole.timezone", "not given, schedules run in UTC", remedy))
    return warnings + find_idle_pairs(document) + find_unwatched(document)
