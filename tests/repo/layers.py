"""Who may import whom: imports never point back up the line from source to station."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatch

GROUND = ("edge.model", "edge.errors")
FOUNDATION = (*GROUND, "edge.wire", "edge.evidence", "edge.geo")
_PURE_IN_EYE = (
    "gate", "motion", "hotspot", "preprocess", "postprocess", "tracker", "subject", "association",
    "follow", "attention", "best_shot", "reopen", "timing", "still",
)  # fmt: skip
_PURE_IN_AGENT = (
    "health", "api.cursors", "api.forms", "api.mp4_codecs",
    "eyes.chronicle", "eyes.eye_lines", "eyes.outage", "log.backlog", "log.recent",
)  # fmt: skip
_PURE_IN_STATION = (
    "desk_alert", "desk_fold", "statistics", "api.requests", "outward.signature",
    "pulling.chain", "pulling.pole_answers", "pulling.silence",
    "pulling.silence_alert", "pulling.silence_pole", "pulling.pace", "urgency",
)  # fmt: skip
_PURE_IN_SERVING = (
    "codings", "conditions", "guesses", "layouts", "link_budget", "open_metrics", "page_cache",
    "plain_text", "ranges", "refusals", "seats", "token_text", "verdicts",
)  # fmt: skip
PURE = (
    "edge.box",
    "edge.config.checks",
    "edge.config.model",
    "edge.feeds",
    "edge.labels",
    "edge.losses",
    "edge.plane",
    "edge.summary",
    "edge.thirdparty.scene",
    *(f"edge.eye.{name}" for name in _PURE_IN_EYE),
    *(f"edge.agent.{name}" for name in _PURE_IN_AGENT),
    *(f"edge.serving.{name}" for name in _PURE_IN_SERVING),
    *(f"edge.station.{name}" for name in _PURE_IN_STATION),
    "edge.eye.rules",
    "edge.eye.rules.*",
    "edge.eye.sources.nal",
    "edge.eye.sources.probe",
    "edge.eye.sources.timing",
)
"""Arrays and dataclasses in, dataclasses out; see `_PURE_BANNED` for what they do without."""
_PURE_BANNED = {
    "asyncio", "time", "os", "io", "socket", "subprocess", "threading", "pathlib", "logging",
    "random",
}  # fmt: skip
_PURE_ALLOWED = (set(sys.stdlib_module_names) | {"numpy", "cv2", "msgspec"}) - _PURE_BANNED
_SEAMS = ("edge.agent.ports", "edge.station.ports.*", "edge.station.pulling.ports")
"""Protocols and dataclasses only: nothing in them runs, so that pure files may speak of them."""
_NUMBERS = ("edge.clock.NS_PER_S",)
"""Not the clock, a number that stands beside it."""

ROOMS = ("edge.eye", "edge.agent", "edge.console", "edge.station")
_STATION_PARTS = tuple(f"edge.station.{part}" for part in ("api", "outward", "pulling", "store"))
"""They meet in the station's ports."""
ROOTS = (
    "edge.eye.main",
    "edge.eye.forkserver",
    "edge.agent.main",
    "edge.console.main",
    "edge.station.main",
    "edge.bench",
    "edge.bench.*",
    "edge.commands.*",
)
"""Composition roots: they build adapters and hand them over."""
ADAPTERS = ("edge.eye.sources.*", "edge.eye.tflite")
COMMAND = "edge.cli"
_FROM_BOARD = ("board", "board.ports", "board.profile")

_BROAD_ALLOWED = ("edge/supervise.py", "edge/serving/application.py")
_BROAD = ("Exception", "BaseException")


def import_offences(module: str, source: str, known: Collection[str]) -> list[str]:
    """Say what a module imports that its place does not allow.

    Args:
        module: its dotted name.
        source: its text.
        known: the dotted names of all our modules.

    Returns:
        One sentence an offence; empty if there is none.
    """
    names = list(_imported(source))
    ours = sorted(
        {
            found
            for name in names
            if (found := _module_of(name, known)) != module and name not in _NUMBERS
        }
    )
    offences = [f"relative import {name}" for name in names if name.startswith(".")]
    offences += [
        f"imports {other}: {reason}"
        for other in ours
        if other
        for reason in _reasons(module, other)
    ]
    if _matches(module, PURE):
        roots = {name.partition(".")[0] for name in names if not name.startswith(".")}
        banned = sorted(roots - _PURE_ALLOWED - {"edge", "board"})
        offences += [f"imports {name}: a pure file does without" for name in banned]
    return [f"{module} {offence}" for offence in offences]


def cycles(sources: Mapping[str, str]) -> list[list[str]]:
    """Find modules that import each other at load time, directly or around corners.

    Args:
        sources: dotted name → text.

    Returns:
        Each cycle once, as the names on its way.
    """
    graph = {
        module: sorted({_module_of(name, sources) for name in _imported(text)} - {module, ""})
        for module, text in sources.items()
    }
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> None:
        if module in way:
            found.append(way[way.index(module) :])
        elif module not in done:
            for other in graph[module]:
                walk(other, [*way, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    return found


def broad_except_offences(path: str, source: str) -> list[str]:
    """Say where a file catches everything, unless it is one of the few that may."""
    if any(fnmatch(path, pattern) for pattern in _BROAD_ALLOWED):
        return []
    return [
        f"{path}:{node.lineno} catches everything"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type)
    ]


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    classes = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(each, ast.Name) and each.id in _BROAD for each in classes)


def _reasons(module: str, other: str) -> Iterator[str]:
    """Why `module` must not import `other`; nothing if it may."""
    if module in GROUND:
        yield "the ground imports nothing of ours"
    elif module in FOUNDATION and other not in GROUND:
        yield "the foundation imports only model and errors"
    elif _matches(module, PURE) and not _matches(other, (*FOUNDATION, *_SEAMS, *PURE)):
        yield "a pure file imports only the foundation and pure files"
    for rooms in (ROOMS, _STATION_PARTS):
        room, other_room = _room(module, rooms), _room(other, rooms)
        if room and other_room and room != other_room:
            yield "rooms do not know each other"
    if module.startswith("board") and other.startswith("edge"):
        yield "board never imports edge"
    if module.startswith("edge") and other.startswith("board") and other not in _FROM_BOARD:
        yield "of board only ports, profile and open_board are for edge"
    is_root = _matches(module, ROOTS) or module == COMMAND
    if _is_adapter(other) and not is_root and not _is_adapter(module):
        yield "only composition roots import adapters"
    if _matches(other, ROOTS) and not is_root:
        yield "only cli.py and tests import composition roots"


def _is_adapter(module: str) -> bool:
    return _matches(module, ADAPTERS) and not _matches(module, PURE)


def _room(module: str, rooms: Collection[str]) -> str:
    return next((room for room in rooms if f"{module}.".startswith(f"{room}.")), "")


def _matches(module: str, patterns: Collection[str]) -> bool:
    return any(fnmatch(module, pattern) for pattern in patterns)


def _imported(source: str) -> Iterator[str]:
    """Every dotted name a source asks for, also inside functions and for types only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _module_of(name: str, known: Collection[str]) -> str:
    """The longest of our modules that a dotted name begins with; empty if none."""
    parts = name.split(".")
    ways = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((way for way in ways if way in known), "")
