"""The page says everything in two languages, and nothing that it has no text for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edge.agent.ports import EyeState
from edge.feeds import ClockState, Severity
from edge.model import LABELS
from tests.repo.page_texts import Texts, count_keys, places, read_texts, unknown, unused
from tests.repo.tree import CHECKOUT

SHARED = CHECKOUT / "edge" / "serving" / "web"
POLE = CHECKOUT / "edge" / "agent" / "web"
STATION = CHECKOUT / "edge" / "station" / "web"
PAGES = [POLE, STATION]
"""The folders of our pages."""
CHINESE = re.compile(r"[\u4e00-\u9fff]")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _texts(page: Path) -> Texts:
    return {**read_texts(_read(SHARED / "shared_texts.js")), **read_texts(_read(page / "texts.js"))}


def _modules(page: Path) -> str:
    paths = [*sorted(SHARED.glob("*.js")), *sorted(page.glob("*.js"))]
    return "\n".join(_read(path) for path in paths if not path.name.endswith("texts.js"))


def _document(page: Path) -> str:
    return _read(page / "index.html")


@pytest.mark.parametrize(
    "path", [SHARED / "shared_texts.js", *(page / "texts.js" for page in PAGES)], ids=str
)
def test_every_text_is_there_in_english_and_chinese(path: Path) -> None:
    texts = read_texts(_read(path))

    assert len(texts) == count_keys(_read(path)) > 50
    for key, said in texts.items():
        assert len(said) == 2, key
        assert all(said), key
    strange = {"other_language"} & set(texts)
    assert {key for key, (english, _) in texts.items() if CHINESE.search(english)} == strange
    assert {key for key, (_, chinese) in texts.items() if not CHINESE.search(chinese)} == strange


@each_page
def test_every_text_has_the_same_places_in_both_languages(page: Path) -> None:
    texts = _texts(page)

    assert {key for key, (one, other) in texts.items() if places(one) != places(other)} == set()


@each_page
def test_every_text_is_used_and_every_key_that_is_asked_for_exists(page: Path) -> None:
    """What is shared is used by each page: else it is no text of all."""
    parts = {"modules": _modules(page), "document": _document(page)}

    assert unused(_texts(page), **parts) == set()
    assert unknown(_texts(page), **parts) == set()


@each_page
def test_no_page_says_again_what_all_say(page: Path) -> None:
    own = read_texts(_read(page / "texts.js"))

    assert set(own) & set(read_texts(_read(SHARED / "shared_texts.js"))) == set()


def test_every_word_that_the_pole_may_say_has_its_texts() -> None:
    texts = _texts(POLE)

    for group, words in (
        ("severity", get_args(Severity)),
        ("state", get_args(EyeState)),
        ("clock", get_args(ClockState)),
        ("label", LABELS),
    ):
        assert {f"{group}_{word}" for word in words} <= set(texts), group


@each_page
def test_every_module_is_fetched_in_the_first_round(page: Path) -> None:
    """A module that only another names would cost a further round over a slow link."""
    listed = set(re.findall(r'rel="modulepreload" href="/web/(\w+\.js)"', _document(page)))

    assert listed == {path.name for folder in (page, SHARED) for path in folder.glob("*.js")}


@each_page
def test_page_is_plain(page: Path) -> None:
    """The server's policy refuses inline code; nothing parses data as HTML or code."""
    inline = re.compile(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src)")
    parsing = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(")

    assert inline.findall(_document(page)) == []
    assert parsing.findall(_modules(page)) == []


def test_planted_texts_are_caught() -> None:
    texts = read_texts('export const TEXTS = {\n  a_b: ["A {n}", "甲"],\n  c: [\n    "C\\"",\n')

    assert texts == {"a_b": ("A {n}", "甲")}
    assert places("A {n} {by}") == {"n", "by"}
    assert unused(texts, modules='word("x", y)', document="") == {"a_b"}
    assert unused(texts, modules='word("a", y)', document="") == set()
    assert unused(texts, modules="", document='<p data-say="a_b">') == set()
    assert unknown(texts, modules='say("a_b") say("gone")', document="") == {"gone"}


@each_page
def test_commands_that_the_page_names_can_be_given(page: Path, tmp_path: Path) -> None:
    said = {text.partition("polewatch ")[2] for both in _texts(page).values() for text in both}
    commands = said - {""}
    assert commands

    for command in commands:
        program = [sys.executable, "-m", "edge.cli", *command.split()]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "usage:" not in done.stderr, command
