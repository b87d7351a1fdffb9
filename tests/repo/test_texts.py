"""No machine's paths or hosts in the tree, nothing big, and commands that exist."""

from __future__ import annotations

import pytest

from tests.repo.texts import (
    FILE_BYTES_MAX,
    make_targets,
    promised_targets,
    top_level_offences,
    unwanted_texts,
)
from tests.repo.tree import CHECKOUT, tracked_files


def test_no_file_names_a_machine_or_a_package_host() -> None:
    offences = []
    for path in tracked_files():
        content = (CHECKOUT / path).read_bytes()
        if b"\0" not in content:  # A picture holds any two letters somewhere.
            offences += unwanted_texts(path, content.decode("utf-8", errors="replace"))

    assert not offences, "\n".join(offences)


def test_no_file_is_big() -> None:
    sizes = {path: (CHECKOUT / path).stat().st_size for path in tracked_files()}

    assert {path: size for path, size in sizes.items() if size > FILE_BYTES_MAX} == {}


def test_top_level_holds_only_what_belongs_there() -> None:
    assert top_level_offences(tracked_files()) == []


def test_documents_name_only_targets_that_the_makefile_has() -> None:
    targets = make_targets((CHECKOUT / "Makefile").read_text(encoding="utf-8"))
    documents = [path for path in tracked_files() if path.endswith(".md")]

    for path in documents:
        promised = promised_targets((CHECKOUT / path).read_text(encoding="utf-8"))
        assert promised <= targets, path


@pytest.mark.parametrize(
    "text",
    [
        "see /ho" + "me/jo/clip.mp4",
        "open('/ro" + "ot/x')",
        "cd ~" + "/src",
        "/wo" + "rk/main",
        "pip install --extra-ind" + "ex-url x",
        "https://py" + "pi.org/simple",
        "registry.np" + "mjs.org",
    ],
)
def test_planted_text_is_caught(text: str) -> None:
    assert len(unwanted_texts("a.py", f"first line\n{text}\n")) == 1
    assert unwanted_texts("a.py", f"first line\n{text}\n")[0].startswith("a.py:2 ")


@pytest.mark.parametrize(
    "text",
    ["/dev/video0 /usr/bin/python3 /tmp", "edge/home/x", "https://example.org/work/x", "~5 s"],
)
def test_harmless_text_passes(text: str) -> None:
    assert unwanted_texts("a.py", text) == []


def test_planted_top_level_entry_is_caught() -> None:
    assert top_level_offences(["edge/cli.py", "README.md", "notes.txt", "models/a.tflite"]) == [
        "models",
        "notes.txt",
    ]


def test_promises_are_read_from_code_and_not_from_prose() -> None:
    text = "We make sure that it runs.\n\n    then\nmake run\n\nor `make check test` is enough.\n"

    assert promised_targets(text) == {"run", "check", "test"}
    assert make_targets("run: env ## go\n.PHONY: x\nVENV := .venv\ntest-deps:\n") == {
        "run",
        "test-deps",
    }
