"""Tables and commands as documents state them."""

from __future__ import annotations

import re


def table_rows(document: str, first_heading: str) -> list[list[str]]:
    """Read a Markdown table.

    Args:
        document: the text.
        first_heading: what the table's first column is called; it tells tables apart.

    Returns:
        The cells of each row below the headings; empty if there is no such table.
    """
    rows: list[list[str]] = []
    is_inside = False
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            is_inside = False
        elif cells[0] == first_heading:
            is_inside = True
        elif is_inside and not set(cells[0]) <= set("-: "):
            rows.append(cells)
    return rows


def locked_names(lock: str) -> set[str]:
    """The packages that a lock names for Linux."""
    return {match[1] for match in re.finditer(r"^([\w.-]+)==(?!.*win32)", lock, flags=re.MULTILINE)}


def subcommands(help_text: str) -> set[str]:
    """The subcommands that argparse's help lists below `COMMAND`."""
    _, _, listed = help_text.partition("\n  COMMAND\n")
    return set(re.findall(r"^    ([a-z][\w-]*) ", listed, flags=re.MULTILINE))


def long_options(help_text: str) -> set[str]:
    """The long options that argparse's help lists, without `--help`."""
    listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)", help_text, flags=re.MULTILINE)
    return set(listed) - {"--help"}


def command_section(document: str, command: str) -> str:
    """What a reference page says below the heading of one subcommand; empty if it has none."""
    _, _, rest = document.partition(f"\n## `polewatch {command}`\n")
    return rest.partition("\n## ")[0]


def relative_links(document: str) -> list[str]:
    """The files of this tree that a document points to, without what comes after `#`."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document)
    return [target for target in targets if "://" not in target]


def named_files(document: str) -> set[str]:
    """The Python files that a document names in code type."""
    return set(re.findall(r"`([\w./]+\.py)`", document))
