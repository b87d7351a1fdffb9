"""What must not stand in any file of the tree, and what a document may promise."""

from __future__ import annotations

import re
from collections.abc import Collection

FILE_BYTES_MAX = 1_000_000
TOP_LEVEL = {
    "pyproject.toml", "edge", "board", "tests", "image-build", "README.md", "Makefile", "LICENSE",
    "CHANGELOG.md", "docs", ".gitignore", ".ci",
}  # fmt: skip

# Written so that this file does not match itself.
_UNWANTED = {
    "a path of one machine": re.compile(
        r"(?<![\w.])/(?:home|root|Users|work|opt)(?=/[\w.])|(?<!\w)~/(?=[\w.])"
    ),
    "a package host or index": re.compile(
        r"--(?:extra-)?index[-]url|--find[-]links|--trusted[-]host"
        r"|\b(?:py[p]i|files\.python[h]osted|registry\.np[m]js|deb\.debi[a]n)\.\w+",
        re.IGNORECASE,
    ),
}
_MAKE = re.compile(r"(?:^|`|&& )make ((?:[a-z][a-z-]*\s?)+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def unwanted_texts(path: str, text: str) -> list[str]:
    """Say where a text names what only one machine or one network has."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1} {what}: {match.group()}"
        for what, pattern in _UNWANTED.items()
        for match in pattern.finditer(text)
    ]


def top_level_offences(paths: Collection[str]) -> list[str]:
    """Name the entries that the top of the tree must not hold."""
    return sorted({path.partition("/")[0] for path in paths} - TOP_LEVEL)


def make_targets(makefile: str) -> set[str]:
    """The targets that a Makefile has for people."""
    return set(_TARGET.findall(makefile))


def promised_targets(document: str) -> set[str]:
    """The targets that a document's commands name: `make x y`, in a code line or quoted."""
    return {word for words in _MAKE.findall(document) for word in words.split()}
