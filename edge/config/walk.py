"""Turns parsed TOML into frozen dataclasses and gathers every fault on the way.

Knows types, key names, defaults and `Annotated` checks; nothing of poles and cameras.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from edge.config.checks import Check, OneOrMany, Variants, quote
from edge.errors import Fault

_BAD = object()
"""Stands for a value that had a fault; never leaves this file."""
_WANTED: dict[object, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}
_AXES = ("x", "y")


def build(cls: type, table: Mapping[str, object]) -> tuple[Any, list[Fault]]:
    """Build a dataclass from a parsed table.

    Args:
        cls: a dataclass of `config.model`.
        table: what tomllib gave.

    Returns:
        The instance, or None when there were faults; and all faults, in the order of the keys.
    """
    walk = _Walk()
    value = walk.table(cls, table, "")
    return (None if walk.faults else value), walk.faults


def key_of(field: dataclasses.Field[Any]) -> str:
    """Give the name of a field in TOML."""
    return str(field.metadata.get("key", field.name))


def join(path: str, key: str) -> str:
    """Append a key to a key path; odd keys are quoted, so that a path stays one line."""
    shown = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quote(key)
    return f"{path}.{shown}" if path else shown


def describe(value: object) -> str:
    """Name what stands in the file where something else was wanted."""
    if isinstance(value, str | bool | int | float):
        return quote(value)
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def suggest(key: str, known: Iterable[str]) -> str:
    """Name the nearest known key, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(key, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(names)}" if names else "this version has no keys here"


class _Walk:
    """One pass over one document; `faults` fills as it goes."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, path: str, problem: str, remedy: str = "") -> object:
        """Note a fault and give the value that stands for it."""
        self.faults.append(Fault(path, problem, remedy))
        return _BAD

    def table(self, cls: Any, raw: object, path: str) -> object:
        """Build one dataclass."""
        if not isinstance(raw, Mapping):
            remedy = f"write [{path}]" if isinstance(raw, list) and path.isidentifier() else ""
            return self.fault(path, f"is {describe(raw)}, not a table", remedy)
        fields = {key_of(field): field for field in dataclasses.fields(cls)}
        for key in raw:
            if key not in fields:
                self.fault(join(path, key), "unknown key", suggest(key, fields))
        hints = _hints(cls)
        values: dict[str, object] = {}
        for key, field in fields.items():
            if key in raw:
                values[field.name] = self.value(hints[field.name], raw[key], join(path, key))
            elif not _has_default(field):
                remedy = f"write {field.metadata['example']}"
                values[field.name] = self.fault(join(path, key), "is missing", remedy)
        if any(value is _BAD for value in values.values()):
            return _BAD
        return self._own_fault(cls(**values), path)

    def _own_fault(self, built: Any, path: str) -> object:
        """Run the check a dataclass has over several of its fields."""
        found = built.own_fault() if hasattr(built, "own_fault") else None
        if found is None:
            return built
        return self.fault(path + found.path, found.problem, found.remedy)

    def value(self, hint: Any, raw: object, path: str) -> object:
        """Build one value of any annotated type."""
        origin = get_origin(hint)
        if origin is Annotated:
            return self._annotated(hint, raw, path)
        if origin in (Union, types.UnionType):
            inner = next(arg for arg in get_args(hint) if arg is not types.NoneType)
            return self.value(inner, raw, path)
        if origin is Literal:
            return self._word(get_args(hint), raw, path)
        if origin is tuple:
            return self._sequence(get_args(hint), raw, path)
        if dataclasses.is_dataclass(hint):
            return self.table(hint, raw, path)
        return self._plain(hint, raw, path)

    def _annotated(self, hint: Any, raw: object, path: str) -> object:
        inner, *marks = get_args(hint)
        for mark in marks:
            if isinstance(mark, Variants):
                return self._variant(mark, raw, path)
            if isinstance(mark, OneOrMany) and not isinstance(raw, list):
                item = self.value(get_args(inner)[0], raw, path)
                return _BAD if item is _BAD else (item,)
        value = self.value(inner, raw, path)
        for mark in marks:
            if value is not _BAD and isinstance(mark, Check):
                found = mark.test(value)
                if found is not None:
                    value = self.fault(path + found.path, found.problem, found.remedy)
        return value

    def _variant(self, mark: Variants, raw: object, path: str) -> object:
        """Choose the dataclass by the table's `type`; a key of another type says so."""
        if not isinstance(raw, Mapping):
            return self.fault(path, f"is {describe(raw)}, not a table")
        names = ", ".join(mark.classes)
        if "type" not in raw:
            return self.fault(join(path, "type"), "is missing", f"one of {names}")
        kind = raw["type"]
        if not isinstance(kind, str) or kind not in mark.classes:
            is_later = kind in mark.later
            problem = "is not in this version" if is_later else "is not a known type"
            return self.fault(join(path, "type"), f"{describe(kind)} {problem}", f"one of {names}")
        cls: Any = mark.classes[kind]
        own = {key_of(field) for field in dataclasses.fields(cls)}
        strange = {}
        for key in raw:
            homes = [name for name, other in mark.classes.items() if key in _keys(other)]
            if key not in own and homes:
                problem = f"is a key of {' and '.join(homes)} rules, not of {kind}"
                strange[key] = self.fault(join(path, key), problem, "leave it out")
        return self.table(cls, {k: v for k, v in raw.items() if k not in strange}, path)

    def _word(self, allowed: tuple[Any, ...], raw: object, path: str) -> object:
        if raw in allowed:
            return raw
        words = ", ".join(allowed)
        return self.fault(path, f"{describe(raw)} is not known", f"one of {words}")

    def _sequence(self, args: tuple[Any, ...], raw: object, path: str) -> object:
        is_list = len(args) == 2 and args[1] is Ellipsis  # noqa: PLR2004
        if not isinstance(raw, list):
            is_section = isinstance(raw, Mapping) and path.isidentifier()
            remedy = f"write [[{path}]]" if is_section else "write it in [ ]"
            return self.fault(path, f"is {describe(raw)}, not a list", remedy)
        if is_list:
            items = [self.value(args[0], item, f"{path}[{i}]") for i, item in enumerate(raw)]
        elif len(raw) != len(args):
            return self.fault(path, f"has {len(raw)} numbers, not 2", "a point is [x, y]")
        else:
            parts = zip(args, raw, _AXES, strict=True)
            items = [self.value(hint, item, f"{path}.{axis}") for hint, item, axis in parts]
        return _BAD if any(item is _BAD for item in items) else tuple(items)

    def _plain(self, hint: Any, raw: object, path: str) -> object:
        if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
            raw = float(raw) if abs(raw) < 2**53 else math.inf
        if type(raw) is not hint:
            remedy = "put it in quotes" if hint is str and not isinstance(raw, list | dict) else ""
            return self.fault(path, f"{describe(raw)} is not {_WANTED[hint]}", remedy)
        if isinstance(raw, float) and not math.isfinite(raw):
            return self.fault(path, f"{describe(raw)} is not a number that can be used")
        return raw


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


@cache
def _hints(cls: Any) -> Mapping[str, Any]:
    """The types of a dataclass's fields; working them out anew for each table takes 0.4 ms."""
    return get_type_hints(cls, include_extras=True)


def _keys(cls: Any) -> set[str]:
    return {key_of(field) for field in dataclasses.fields(cls)}
