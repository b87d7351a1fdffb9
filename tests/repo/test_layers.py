"""Import rules, on the tree as it is and on planted offences."""

from __future__ import annotations

import pytest

from tests.repo.layers import broad_except_offences, cycles, import_offences
from tests.repo.tree import module_name, python_files

KNOWN = {
    "edge", "edge.model", "edge.errors", "edge.wire", "edge.config", "edge.eye", "edge.eye.main",
    "edge.eye.motion", "edge.eye.tracker", "edge.eye.ring", "edge.eye.sources",
    "edge.eye.sources.av_source", "edge.eye.sources.timing", "edge.eye.sources.probe",
    "edge.eye.tflite", "edge.eye.rules.zones", "edge.agent.eyes", "edge.agent.health",
    "edge.agent.media", "edge.agent.ports", "edge.clock", "edge.bench.rows", "edge.cli",
    "edge.station.pulling.chain", "board", "board.ports", "board.gpio",
}  # fmt: skip


def test_no_file_imports_what_its_place_forbids() -> None:
    sources = {module_name(path): text for path, text in python_files("edge", "board").items()}

    offences = [
        offence
        for module, text in sources.items()
        for offence in import_offences(module, text, sources)
    ]

    assert not offences, "\n".join(offences)


def test_no_modules_import_each_other() -> None:
    assert cycles({module_name(p): text for p, text in python_files("edge", "board").items()}) == []


def test_only_supervision_and_middleware_catch_everything() -> None:
    sources = python_files("edge", "board")

    assert [o for path, text in sources.items() for o in broad_except_offences(path, text)] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("edge.model", "import edge.errors"),
        ("edge.wire", "from edge import config"),
        ("edge.eye.motion", "from edge.eye.ring import Ring"),
        ("edge.eye.motion", "from edge.config.load import Config"),
        ("edge.eye.motion", "import time"),
        ("edge.agent.health", "import aiohttp"),
        ("edge.agent.health", "from edge.clock import Clock"),
        ("edge.agent.health", "from edge.agent.media import MediaFolder"),
        ("edge.eye.motion", "from pathlib import Path"),
        ("edge.eye.motion", "import os.path"),
        ("edge.eye.motion", "import av"),
        ("edge.eye.motion", "def step():\n    import random"),
        ("edge.eye.rules.zones", "import logging"),
        ("edge.eye.sources.timing", "import threading"),
        ("edge.eye.ring", "from edge.agent import eyes"),
        ("edge.station.store.station_store", "from edge.station.pulling import chain"),
        ("edge.agent.eyes", "import edge.eye.motion"),
        ("board.gpio", "from edge.errors import EdgeError"),
        ("edge.agent.eyes", "from board.gpio import Gpio"),
        ("edge.eye.ring", "from edge.eye.sources.av_source import AvPacketSource"),
        ("edge.eye.ring", "from edge.eye import tflite"),
        ("edge.eye.ring", "from edge.eye.main import build"),
        ("edge.config", "import edge.bench.rows"),
        ("edge.eye.ring", "from . import motion"),
    ],
)
def test_planted_import_is_caught(module: str, line: str) -> None:
    assert len(import_offences(module, line, KNOWN)) >= 1


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("edge.errors", "from dataclasses import dataclass"),
        ("edge.wire", "from edge.errors import ValidationError"),
        ("edge.eye.motion", "import cv2\nimport numpy.typing as npt\nfrom edge.model import Luma"),
        ("edge.eye.tracker", "from edge.eye.motion import step\nfrom edge import wire"),
        ("edge.eye.ring", "import threading\nfrom edge.eye.sources.timing import Timing"),
        ("edge.eye.main", "from edge.eye.sources.av_source import AvPacketSource"),
        ("edge.eye.sources.av_source", "from edge.eye.sources.probe import probe"),
        ("edge.cli", "from edge.eye import main\nfrom edge.bench import rows"),
        ("edge.agent.health", "import msgspec\nfrom edge.clock import NS_PER_S"),
        ("edge.agent.health", "from edge.agent.ports import EyeStatus"),
        ("edge.agent.eyes", "from board import open_board\nfrom board.ports import DigitalOut"),
        ("board.gpio", "import os"),
    ],
)
def test_allowed_import_passes(module: str, line: str) -> None:
    assert import_offences(module, line, KNOWN) == []


def test_planted_cycle_is_found() -> None:
    sources = {
        "edge.a": "from edge import b",
        "edge.b": "import edge.c",
        "edge.c": "from edge.a import thing",
        "edge.d": "from edge import a",
    }

    assert cycles(sources) == [["edge.a", "edge.b", "edge.c"]]


@pytest.mark.parametrize(
    "clause", ["except:", "except Exception:", "except (OSError, BaseException) as exc:"]
)
def test_planted_broad_except_is_caught(clause: str) -> None:
    source = f"try:\n    pass\n{clause}\n    pass\n"

    assert broad_except_offences("edge/eye/ring.py", source) == [
        "edge/eye/ring.py:3 catches everything"
    ]
    assert broad_except_offences("edge/supervise.py", source) == []


def test_narrow_except_passes() -> None:
    source = "try:\n    pass\nexcept (OSError, ValueError):\n    pass\n"

    assert broad_except_offences("edge/eye/ring.py", source) == []
