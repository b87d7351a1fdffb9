"""Documents against the code they describe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.assets import FOOTAGE, MODELS, Asset
from tests.repo.documents import described_commands, locked_names, subcommands, table_rows
from tests.repo.tree import CHECKOUT

THIRD_PARTY = CHECKOUT / "docs/ref/third-party.md"
COMMANDS = CHECKOUT / "docs/ref/commands.md"


def test_third_party_page_lists_every_asset_as_the_code_has_it() -> None:
    rows = table_rows(THIRD_PARTY.read_text(encoding="utf-8"), "file")

    assert rows == [_row(asset) for asset in (*MODELS, FOOTAGE)]


def _row(asset: Asset) -> list[str]:
    places = []
    for origin in asset.origins:
        place = f"{origin.package}, `{origin.member}`"
        if origin.to_byte is not None:
            place += f" bytes {origin.from_byte} to {origin.to_byte}"
        places.append(place)
    size, licence = str(asset.size_bytes), asset.origins[0].package.licence
    return [asset.name, size, asset.sha256, "; or ".join(places), licence]


def test_third_party_page_lists_every_package_of_the_pole() -> None:
    rows = table_rows(THIRD_PARTY.read_text(encoding="utf-8"), "package")
    lock = (CHECKOUT / "image-build/python/run.lock").read_text(encoding="utf-8")

    assert {row[0] for row in rows} == locked_names(lock)


def test_run_lock_is_part_of_the_dev_lock() -> None:
    """Tests must run on the versions that the pole has."""
    run, dev = (
        (CHECKOUT / f"image-build/python/{name}.lock").read_text(encoding="utf-8")
        for name in ("run", "dev")
    )

    assert _pins(run) <= _pins(dev)


def _pins(lock: str) -> set[str]:
    return {line.split()[0] for line in lock.splitlines() if "==" in line and line[0] != "#"}


def test_commands_page_describes_every_subcommand() -> None:
    if not COMMANDS.exists():
        pytest.skip("docs/ref/commands.md is not written yet")
    program = Path(sys.executable).with_name("polewatch")
    shown = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout

    assert subcommands(shown) != set()
    assert subcommands(shown) <= described_commands(COMMANDS.read_text(encoding="utf-8"))


def test_planted_differences_are_seen() -> None:
    document = (
        "| file | bytes |\n| --- | --- |\n| a | 1 |\n\n"
        "| package | licence |\n|---|---|\n| b | MIT |\n"
        "\nRun `polewatch eye CLIP` or\n```\npolewatch still PICTURE\n```\n"
    )

    assert table_rows(document, "file") == [["a", "1"]]
    assert table_rows(document, "package") == [["b", "MIT"]]
    assert table_rows(document, "other") == []
    assert described_commands(document) == {"eye", "still"}
    assert subcommands("usage: polewatch [-h] {eye,still,check} ...\n") == {"eye", "still", "check"}
    assert subcommands("usage: polewatch [-h]\n") == set()
    assert locked_names("a==1 \\\n    --hash=x\nb-c==2 ; sys_platform == 'win32'\n") == {"a"}
