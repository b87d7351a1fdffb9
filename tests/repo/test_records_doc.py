"""The page of records against what the code writes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import wire
from edge.agent.eyes.chronicle import Chronicle, Pen, step
from edge.agent.eyes.eye_lines import parse_eye_line
from edge.clock_trust import ClockTrust
from edge.feeds import FEEDS, Draft
from edge.losses import Losses
from edge.model import SightReport, Stamp, StreamFormat
from tests.repo.documents import table_rows
from tests.repo.tree import CHECKOUT
from tests.support.clocks import ManualClock
from tests.support.drafts import CLOCK, make_draft, open_log

PAGE = (CHECKOUT / "docs/ref/records.md").read_text(encoding="utf-8")
KINDS = {row[0]: row for row in table_rows(PAGE, "kind of a record")}
STAMP = Stamp("yard", 1.0, 1_700_000_000_000)
LINES = (
    wire.encode_source(STAMP, StreamFormat("h264", 640, 480, 15.0, 1.0, b""), thermal=False),
    wire.encode_sight(STAMP, SightReport(1, 1, 1, 1, True, "seeing", 0.1, 80.0)),
)


def test_every_field_of_a_record_is_described(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        (placed,) = log.append([make_draft()])
    assert [row[0] for row in table_rows(PAGE, "field")] == sorted(json.loads(placed.sealed.body))


def test_every_feed_is_described_in_order() -> None:
    assert [row[0] for row in table_rows(PAGE, "name of a feed")] == list(FEEDS)
    assert {row[1] for row in KINDS.values()} <= set(FEEDS)


def test_every_kind_that_is_written_is_described_and_no_other() -> None:
    written = {kind for path in sources() for kind in kinds_in(path.read_text(encoding="utf-8"))}
    assert written - set(KINDS) == set()
    said = {text for path in sources() for text in texts_in(path.read_text(encoding="utf-8"))}
    assert {kind for kind in KINDS if kind not in said and not kind.startswith("alert.")} == set()


def drafts() -> Iterator[Draft]:
    """Records of the pole itself, as the code makes them."""
    losses = Losses()
    losses.add([make_draft(1, feed="health", kind="sight")])
    loss = losses.make_draft(id_="L", reason="the disk is full")
    assert loss is not None
    yield loss
    yield from ClockTrust(
        ManualClock(), boot="b", make_id=lambda: "01J", is_synced=lambda: True
    ).check()
    pen = Pen(CLOCK, lambda: "01J")
    for line in LINES:
        parsed = parse_eye_line(line)
        assert parsed is not None
        yield from step(Chronicle("yard"), parsed, pen)[1]


@pytest.mark.parametrize("draft", list(drafts()), ids=lambda draft: str(draft.kind))
def test_what_a_kind_tells_is_described(draft: Draft) -> None:
    _, feed, _, described = KINDS[draft.kind]
    assert feed == draft.feed
    assert set(draft.data) - set(re.findall(r"`(\w+)`", described)) == set()


def sources() -> list[Path]:
    """The pole's own, and what it shares with the station."""
    rooms = ("edge/agent", "edge/serving")
    beside = (CHECKOUT / "edge").glob("*.py")
    return sorted([*beside, *(path for room in rooms for path in (CHECKOUT / room).rglob("*.py"))])


def kinds_in(source: str) -> Iterator[str]:
    """The kinds that stand in calls of Draft, as far as they are written out there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Draft":
            for kind in node.args[2:3]:
                yield from _constants(kind)


def texts_in(source: str) -> Iterator[str]:
    yield from _constants(ast.parse(source))


def _constants(tree: ast.AST) -> Iterator[str]:
    """Texts in a tree, but parts of f-strings."""
    parts = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
        for part in node.values
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def test_planted_kinds_are_seen() -> None:
    source = 'Draft("a", i, "x.y" if z else "v", at); Draft("a", i, f"w.{q}", at); f("z")'
    assert set(kinds_in(source)) == {"x.y", "v"}
    assert "z" in set(texts_in(source))
    assert "w." not in set(texts_in(source))
