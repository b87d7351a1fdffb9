"""The page says everything in two languages, and nothing that it has no text for."""

from __future__ import annotations

import re
from typing import get_args

from edge.agent.ports import EyeState
from edge.feeds import ClockState, Severity
from edge.model import LABELS
from tests.repo.page_texts import Texts, count_keys, places, read_texts, unknown, unused
from tests.repo.tree import CHECKOUT

WEB = CHECKOUT / "edge" / "agent" / "web"
SHARED = CHECKOUT / "edge" / "serving" / "web"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _texts() -> Texts:
    return read_texts((WEB / "texts.js").read_text(encoding="utf-8"))


def _modules() -> str:
    paths = [*sorted(SHARED.glob("*.js")), *sorted(WEB.glob("*.js"))]
    return "\n".join(p.read_text(encoding="utf-8") for p in paths if p.name != "texts.js")


def _document() -> str:
    return (WEB / "index.html").read_text(encoding="utf-8")


def test_every_text_is_there_in_english_and_chinese() -> None:
    texts = _texts()

    assert len(texts) == count_keys((WEB / "texts.js").read_text(encoding="utf-8")) > 100
    for key, said in texts.items():
        assert len(said) == 2, key
        assert all(said), key
    assert [key for key, (english, _) in texts.items() if CHINESE.search(english)] == [
        "other_language"
    ]
    assert [key for key, (_, chinese) in texts.items() if not CHINESE.search(chinese)] == [
        "other_language"
    ]


def test_every_text_has_the_same_places_in_both_languages() -> None:
    assert {key for key, (one, other) in _texts().items() if places(one) != places(other)} == set()


def test_every_text_is_used_and_every_key_that_is_asked_for_exists() -> None:
    parts = {"modules": _modules(), "document": _document()}

    assert unused(_texts(), **parts) == set()
    assert unknown(_texts(), **parts) == set()


def test_every_word_that_the_pole_may_say_has_its_texts() -> None:
    texts = _texts()

    for group, words in (
        ("severity", get_args(Severity)),
        ("state", get_args(EyeState)),
        ("clock", get_args(ClockState)),
        ("label", LABELS),
    ):
        assert {f"{group}_{word}" for word in words} <= set(texts), group


def test_every_module_is_fetched_in_the_first_round() -> None:
    """A module that only another names would cost a further round over a slow link."""
    listed = set(re.findall(r'rel="modulepreload" href="/web/(\w+\.js)"', _document()))

    assert listed == {path.name for folder in (WEB, SHARED) for path in folder.glob("*.js")}


def test_page_is_plain() -> None:
    """The server's policy refuses inline code; nothing parses data as HTML or code."""
    assert (
        re.findall(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src)", _document()) == []
    )
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", _modules())
        == []
    )


def test_planted_texts_are_caught() -> None:
    texts = read_texts('export const TEXTS = {\n  a_b: ["A {n}", "甲"],\n  c: [\n    "C\\"",\n')

    assert texts == {"a_b": ("A {n}", "甲")}
    assert places("A {n} {by}") == {"n", "by"}
    assert unused(texts, modules='word("x", y)', document="") == {"a_b"}
    assert unused(texts, modules='word("a", y)', document="") == set()
    assert unused(texts, modules="", document='<p data-say="a_b">') == set()
    assert unknown(texts, modules='say("a_b") say("gone")', document="") == {"gone"}
