"""Faults between the tables of a configuration: names used twice, names nobody gave.

Works on the parsed TOML, not on the dataclasses, so that a fault elsewhere hides none of these.
What has the wrong type is passed over here; the walker has reported it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from edge.config.checks import quote
from edge.config.walk import suggest
from edge.errors import Fault

Table: TypeAlias = Mapping[str, Any]
ZONE_KEYS = ("zones", "lines")


def find_reference_faults(document: Table) -> list[Fault]:
    """Find repeated names and references to cameras, zones and lines that don't exist.

    Args:
        document: the whole file as tomllib gave it.

    Returns:
        Faults in the order of the file.
    """
    faults: list[Fault] = []
    cameras = tables(document, "camera")
    faults += find_repeats("camera", [(i, camera.get("name")) for i, camera in cameras])
    for index, camera in cameras:
        for key in ZONE_KEYS:
            faults += find_repeats(f"camera[{index}].{key}", _names(camera, key))
        for key in ZONE_KEYS:
            faults += _shadows(document, camera, key, f"camera[{index}]")
    for key in ZONE_KEYS:
        faults += find_repeats(key, _names(document, key))
    rules = tables(document, "rule")
    faults += find_repeats("rule", [(i, rule.get("name", rule.get("type"))) for i, rule in rules])
    for index, rule in rules:
        faults += _rule_faults(document, rule, f"rule[{index}]")
    return faults


def find_idle_pairs(document: Table) -> list[Fault]:
    """Find cameras a rule names although none of its zones or lines is drawn on them."""
    found = []
    cameras = tables(document, "camera")
    named = {name: camera for _, camera in cameras if isinstance(name := camera.get("name"), str)}
    for index, rule in tables(document, "rule"):
        for position, name in enumerate(_texts(rule, "cameras")):
            for key in ZONE_KEYS:
                wanted = set(_texts(rule, key))
                camera = named.get(name)
                if wanted and camera and not wanted & {n for _, n in _names(camera, key)}:
                    path = f"rule[{index}].cameras[{position}]"
                    problem = f"{quote(name)} has none of the rule's {key}"
                    found.append(Fault(path, problem, "the rule does nothing there"))
    return found


def find_unwatched(document: Table) -> list[Fault]:
    """Find rules about cameras that nobody watches: there they never open an alert."""
    cameras = [camera for _, camera in tables(document, "camera")]
    unwatched = [camera.get("name") for camera in cameras if camera.get("watch") is False]
    remedy = "leave watch out, or the rule"
    found = []
    for index, rule in tables(document, "rule"):
        for position, name in enumerate(_texts(rule, "cameras")):
            if name in unwatched:
                problem = f"{quote(name)} has watch = false: the rule never opens an alert there"
                found.append(Fault(f"rule[{index}].cameras[{position}]", problem, remedy))
        if "cameras" not in rule and cameras and len(unwatched) == len(cameras):
            problem = "every camera has watch = false: the rule never opens an alert"
            found.append(Fault(f"rule[{index}]", problem, remedy))
    return found


def tables(document: Table, key: str) -> list[tuple[int, Table]]:
    """Give the tables of a list of tables with their positions, passing over anything else."""
    value = document.get(key)
    items = value if isinstance(value, list) else []
    return [(i, item) for i, item in enumerate(items) if isinstance(item, Mapping)]


def _rule_faults(document: Table, rule: Table, path: str) -> list[Fault]:
    """Check one rule's references; zones and lines are looked up over the rule's cameras."""
    cameras = [camera for _, camera in tables(document, "camera")]
    names = [camera["name"] for camera in cameras if isinstance(camera.get("name"), str)]
    wanted = _texts(rule, "cameras")
    faults = _unknown(wanted, names, f"{path}.cameras", "camera") if names else []
    chosen = [camera for camera in cameras if not wanted or camera.get("name") in wanted]
    if wanted and not chosen:
        chosen = cameras
    for key in ZONE_KEYS:
        known = [name for home in (document, *chosen) for _, name in _names(home, key)]
        faults += _unknown(_texts(rule, key), known, f"{path}.{key}", key[:-1])
        if rule.get("type") == key[:-1] and not known and not _texts(rule, key):
            remedy = f"draw one in {key} of [[camera]]"
            faults.append(Fault(path, f"its cameras have no {key[:-1]}", remedy))
    return faults


def _unknown(wanted: list[str], known: list[str], path: str, what: str) -> list[Fault]:
    faults = []
    for index, name in enumerate(wanted):
        if name not in known:
            remedy = suggest(name, set(known)) if known else f"there is no {what} to name"
            faults.append(Fault(f"{path}[{index}]", f"no {what} {quote(name)}", remedy))
    return faults


def find_repeats(path: str, names: Iterable[tuple[int, object]]) -> list[Fault]:
    """Find names that two tables of a list have; `names` are their places and names."""
    faults: list[Fault] = []
    first: dict[object, int] = {}
    for index, name in names:
        if not isinstance(name, str):
            continue
        if name in first:
            problem = f"{quote(name)} is already the name of {path}[{first[name]}]"
            faults.append(Fault(f"{path}[{index}].name", problem, "give each its own name"))
        first.setdefault(name, index)
    return faults


def _shadows(document: Table, camera: Table, key: str, path: str) -> list[Fault]:
    """Find names of a camera that a rules file has also given at its top."""
    top = {name: index for index, name in _names(document, key)}
    faults = []
    for index, name in _names(camera, key):
        if name in top:
            problem = f"{quote(name)} is already the name of {key}[{top[name]}]"
            faults.append(Fault(f"{path}.{key}[{index}].name", problem, "give each its own name"))
    return faults


def _names(home: Table, key: str) -> list[tuple[int, str]]:
    named = [(index, table.get("name")) for index, table in tables(home, key)]
    return [(index, name) for index, name in named if isinstance(name, str)]


def _texts(table: Table, key: str) -> list[str]:
    value = table.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
