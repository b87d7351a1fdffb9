"""Documents against the code they describe."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config.load import load_rules
from edge.thirdparty.store import FOOTAGE, MODELS, Asset
from tests.repo.documents import (
    command_section,
    locked_names,
    long_options,
    named_files,
    relative_links,
    subcommands,
    table_rows,
)
from tests.repo.tree import CHECKOUT, tracked_files

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


@pytest.mark.timeout(60)  # it runs every command
def test_commands_page_describes_every_subcommand_and_option() -> None:
    page = COMMANDS.read_text(encoding="utf-8")
    commands = list(_all_commands(()))
    assert len(commands) > 10

    for command in commands:
        rows = table_rows(command_section(page, " ".join(command)), "option")
        described = {row[0].strip("`") for row in rows}
        assert described == long_options(_help(*command)), command


def _all_commands(begin: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every command that has none of its own."""
    below = subcommands(_help(*begin))
    if not below:
        yield begin
    for name in sorted(below):
        yield from _all_commands((*begin, name))


@functools.cache
def _help(*command: str) -> str:
    program = Path(sys.executable).with_name("polewatch")
    asked = [str(program), *command, "--help"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


def test_rules_of_make_run_are_without_fault() -> None:
    drawn = load_rules(CHECKOUT / "docs/example/yard.toml").for_camera(None)

    assert [rule.type for rule in drawn.rules] == ["intrusion", "line"]


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{path}: {target}"
        for path in tracked_files()
        if path.endswith(".md")
        for target in relative_links((CHECKOUT / path).read_text(encoding="utf-8"))
        if not ((CHECKOUT / path).parent / target).exists()
    ]

    assert not dead, "\n".join(dead)


def test_files_that_documents_name_are_there() -> None:
    tracked = tracked_files()
    gone = [
        f"{path}: {name}"
        for path in tracked
        if path.endswith(".md")
        for name in named_files((CHECKOUT / path).read_text(encoding="utf-8"))
        if not any(f"/{each}".endswith(f"/{name}") for each in tracked)
    ]

    assert not gone, "\n".join(gone)


def test_planted_differences_are_seen() -> None:
    document = (
        "| file | bytes |\n| --- | --- |\n| a | 1 |\n\n"
        "| package | licence |\n|---|---|\n| b | MIT |\n"
        "\n## `polewatch eye`\nlooks\n\n## `polewatch still`\nfinds\n"
    )

    assert table_rows(document, "file") == [["a", "1"]]
    assert table_rows(document, "package") == [["b", "MIT"]]
    assert table_rows(document, "other") == []
    assert named_files("`a.py`, `b/c.py` and `python d.py`, e.py") == {"a.py", "b/c.py"}
    assert relative_links("[a](b/c.md#d) ![e](f.svg) [g](https://x.org/h)") == ["b/c.md", "f.svg"]
    assert command_section(document, "eye") == "looks\n"
    assert command_section(document, "still") == "finds\n"
    assert command_section(document, "check") == ""
    assert locked_names("a==1 \\\n    --hash=x\nb-c==2 ; sys_platform == 'win32'\n") == {"a"}


def test_help_is_read_as_argparse_writes_it() -> None:
    listed = (
        "usage: polewatch [-h] COMMAND ...\n\npositional arguments:\n  COMMAND\n"
        "    eye       look at one camera\n    still     say what is there,\n"
        "              one line each\n\noptions:\n  -h, --help  show this\n"
    )
    options = (
        "options:\n  -h, --help         show this\n  --config FILE      default: --none\n"
        "  -q, --quiet        less\n  --pace {real,max}  files\n"
    )

    assert subcommands(listed) == {"eye", "still"}
    assert subcommands("usage: polewatch [-h]\n") == set()
    assert long_options(options) == {"--config", "--quiet", "--pace"}
