"""The reference pages of configuration and rules against the dataclasses they describe."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from edge.config.model import (
    LATER_RULE_TYPES,
    RULE_CLASSES,
    TRAFFIC_LABELS,
    Api,
    Board,
    Camera,
    Config,
    Credentials,
    IntrusionRule,
    Line,
    LineRule,
    Link,
    LoiterRule,
    LooseConfig,
    Output,
    Pole,
    Position,
    Retention,
    Rule,
    Schedule,
    Update,
    Zone,
)
from edge.config.walk import key_of
from edge.station import config as station
from tests.repo.documents import table_rows
from tests.repo.tree import CHECKOUT

CONFIG = "docs/ref/config.md"
RULES = "docs/ref/rules.md"
STATION = "docs/ref/station.md"
PAGES: list[tuple[str, str, Any, Any]] = [
    (CONFIG, "key in `[pole]`", Pole, None),
    (CONFIG, "key in `position`", Position, None),
    (CONFIG, "key in `[board]`", Board, None),
    (CONFIG, "key in `[[camera]]`", Camera, None),
    (CONFIG, "key in `zones`", Zone, None),
    (CONFIG, "key in `lines`", Line, None),
    (CONFIG, "key in credentials", Credentials, None),
    (CONFIG, "key in `[api]`", Api, None),
    (CONFIG, "key in `[link]`", Link, None),
    (CONFIG, "key in `[retention]`", Retention, None),
    (STATION, "key in `[station]`", station.Station, None),
    (STATION, "key in `[[pole]]`", station.PoleSite, None),
    (STATION, "key in `[store]`", station.Store, None),
    (STATION, "key in `[api]`", station.StationApi, None),
    (STATION, "key in `[[user]]`", station.User, None),
    (STATION, "key in `[[webhook]]`", station.Webhook, None),
    (STATION, "key in `[tls]`", station.ClientTls, None),
    (STATION, "key in `[map]`", station.Map, None),
    (RULES, "key in every rule", Rule, None),
    (RULES, "key in `schedule`", Schedule, None),
    (RULES, "key in `intrusion`", IntrusionRule, Rule),
    (RULES, "key in `line`", LineRule, Rule),
    (RULES, "key in `loiter`", LoiterRule, Rule),
    (RULES, "key in rules files", LooseConfig, Config),
]
"""Page, first heading of the table, dataclass, and the one whose keys stand elsewhere."""
ELSEWHERE = ("see type", "the type", "always", "the pole's")
"""Defaults that no single field has."""


def own_fields(cls: Any, base: Any) -> dict[str, Any]:
    inherited = {field.name for field in dataclasses.fields(base)} if base else set()
    return {key_of(f): f for f in dataclasses.fields(cls) if f.name not in inherited}


def shown(default: object) -> str:
    """A default as the pages write it."""
    if default is dataclasses.MISSING:
        return "required"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str):
        return f'"{default}"'
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, tuple):
        return "[" + ", ".join(f'"{each}"' for each in default) + "]"
    return "none" if default is None else str(default)


@pytest.mark.parametrize(("page", "heading", "cls", "base"), PAGES)
def test_every_key_is_described_with_its_default(
    page: str, heading: str, cls: Any, base: Any
) -> None:
    rows = table_rows((CHECKOUT / page).read_text(encoding="utf-8"), heading)
    fields = own_fields(cls, base)
    assert [row[0] for row in rows] == list(fields)
    for key, _, default, meaning in rows:
        assert meaning
        if default not in ELSEWHERE:
            assert default == shown(fields[key].default), key


def test_defaults_that_depend_on_the_rule_type_are_described() -> None:
    rows = table_rows((CHECKOUT / RULES).read_text(encoding="utf-8"), "default of")
    assert [row[0] for row in rows] == list(RULE_CLASSES)
    for kind, labels, severity, *seconds in rows:
        made = RULE_CLASSES[kind]()
        assert made.name == made.type == kind
        assert made.labels == (TRAFFIC_LABELS if labels == "traffic" else (labels,))
        assert made.severity == severity
        expected = [made.debounce_s, made.clear_s, made.cooldown_s]
        assert [float(each) for each in seconds] == expected


def test_every_section_and_rule_type_has_its_heading() -> None:
    config = (CHECKOUT / CONFIG).read_text(encoding="utf-8")
    sections = {key_of(field) for field in dataclasses.fields(Config)}
    assert set(re.findall(r"`\[+(\w+)\]+`", config)) >= sections
    assert not dataclasses.fields(Output)
    assert not dataclasses.fields(Update)
    rules = (CHECKOUT / RULES).read_text(encoding="utf-8")
    assert re.findall(r"^## `(\w+)`", rules, flags=re.MULTILINE) == list(RULE_CLASSES)
    assert not set(RULE_CLASSES) & set(LATER_RULE_TYPES)


def test_every_section_and_role_of_a_station_is_described() -> None:
    page = (CHECKOUT / STATION).read_text(encoding="utf-8")
    sections = {key_of(field) for field in dataclasses.fields(station.StationConfig)}
    assert set(re.findall(r"key in `\[+(\w+)\]+`", page)) == sections
    assert [row[0] for row in table_rows(page, "role")] == list(station.SCOPES_OF)


def test_a_wrong_default_would_be_seen() -> None:
    assert [shown(each) for each in (True, "a", 1.0, 15, None, (), dataclasses.MISSING)] == [
        "true",
        '"a"',
        "1",
        "15",
        "none",
        "[]",
        "required",
    ]
