"""What the page can say and what it does say, read from its files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

Texts: TypeAlias = Mapping[str, tuple[str, ...]]
"""Key → the text in each language."""

_ENTRY = re.compile(r'^  (\w+): (\[\s*"(?:[^"\\]|\\.)*"(?:,\s*"(?:[^"\\]|\\.)*")*,?\s*\]),$', re.M)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_QUOTED = re.compile(r'"([a-z][a-z_]*)"')
_STATIC = re.compile(r'data-say="(\w+)"')
_GROUP = re.compile(r'\bword\("(\w+)"|`(\w+)_\$\{')


def read_texts(source: str) -> Texts:
    """Read texts.js: `key: ["English", "中文"]`, one entry after the other."""
    return {
        key: tuple(json.loads(text) for text in _STRING.findall(texts))
        for key, texts in _ENTRY.findall(source)
    }


def count_keys(source: str) -> int:
    """How many entries texts.js has, however they are written."""
    return len(re.findall(r"^  \w+:", source, re.M))


def places(text: str) -> set[str]:
    """The names of a text's `{places}`."""
    return set(re.findall(r"\{(\w+)\}", text))


def unused(texts: Texts, *, modules: str, document: str) -> set[str]:
    """Keys that neither a module nor the document names, by themselves or by their group."""
    said = set(_QUOTED.findall(modules)) | set(_STATIC.findall(document))
    groups = {one or other for one, other in _GROUP.findall(modules)}
    return {key for key in texts if key not in said and key.partition("_")[0] not in groups}


def unknown(texts: Texts, *, modules: str, document: str) -> set[str]:
    """Keys that are asked for and are not there."""
    asked = set(re.findall(r'\bsay\("(\w+)"', modules)) | set(_STATIC.findall(document))
    return asked - set(texts)
