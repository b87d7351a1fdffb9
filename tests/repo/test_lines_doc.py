"""The page of lines and commands against what the code writes and obeys."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
import pytest

from edge import wire
from edge.eye.control import ARGUMENTS
from edge.model import (
    AlertChange,
    Detection,
    MediaFile,
    SightReport,
    Stamp,
    StreamFormat,
    Track,
)
from tests.repo.documents import table_rows
from tests.repo.tree import CHECKOUT

PAGE = (CHECKOUT / "docs/ref/lines.md").read_text(encoding="utf-8")
STAMP = Stamp("yard", 1.0, 1_700_000_000_000)
BOX = (0.1, 0.2, 0.3, 0.4)
LINES = (
    wire.encode_source(STAMP, StreamFormat("h264", 640, 480, 15.0, 1.0, b""), thermal=False),
    wire.encode_motion(STAMP, [BOX]),
    wire.encode_detection(STAMP, Detection("car", 0.5, BOX)),
    wire.encode_track(STAMP, "open", Track(1, "car", 0.5, BOX, False, 0.0, 1.0)),
    wire.encode_alert(STAMP, AlertChange("open", 1, "line", "gate", "minor", 1.0), "01J"),
    wire.encode_media(
        STAMP, MediaFile("01J", "clip", None, "video/mp4", 0.0, 1.0, 0, None, reason="disk full")
    ),
    wire.encode_sight(STAMP, SightReport(1, 1, 1, 1, True, "seeing", 0.1, 80.0)),
    wire.encode_reply(STAMP, 1, {"ok": False, "error": "no"}),
    wire.encode_end(STAMP, "stopped"),
)


def described(heading: str) -> list[str]:
    return [row[0] for row in table_rows(PAGE, heading)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(msgspec.json.decode(line)["kind"]))
def test_every_field_of_every_line_is_described_in_order(line: bytes) -> None:
    fields: Mapping[str, object] = msgspec.json.decode(line)
    own = described(f"field of `{fields['kind']}`")

    assert described("field of every line") + own == list(fields)


def test_no_line_is_described_that_no_eye_prints() -> None:
    kinds = {msgspec.json.decode(line)["kind"] for line in LINES}

    assert set(re.findall(r"^\| field of `(\w+)`", PAGE, flags=re.MULTILINE)) == kinds


def test_every_command_is_described_with_its_arguments() -> None:
    rows = {row[0]: row[1] for row in table_rows(PAGE, "command")}

    assert list(rows) == list(ARGUMENTS)
    for name, arguments in ARGUMENTS.items():
        for argument in arguments:
            assert f"`{argument}`" in rows[name], name
        assert arguments or rows[name] == "none"
