"""The checkout as the checks see it: its files and its modules."""

from __future__ import annotations

import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def python_files(*folders: str) -> dict[str, str]:
    """Path in the checkout → source, for all Python files below some folders.

    Files not yet added to git count too: their author should hear of it first.
    """
    paths = sorted(path for folder in folders for path in (CHECKOUT / folder).rglob("*.py"))
    return {str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8") for path in paths}


def module_name(path: str) -> str:
    """`edge/eye/__init__.py` → `edge.eye`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def tracked_files() -> list[str]:
    """What git knows, and what it would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True).stdout
    paths = set(listed.decode().split("\0")) - {""}
    return sorted(path for path in paths if (CHECKOUT / path).is_file())
