"""Assets on a real disk, from packages that the tests make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import ModelError
from edge.thirdparty import store
from edge.thirdparty.store import (
    DETECTOR,
    MODELS,
    Asset,
    Origin,
    Package,
    fetch,
    full_state,
    model_path,
)

CONTENT = b"label file" + bytes(range(256)) + b"weights"
FIRST = Package("npm", "@made/first", "1.0", "MIT")
SECOND = Package("wheel", "second", "2.0", "MIT")


def make_asset(content: bytes, *origins: Origin, name: str = "made.tflite") -> Asset:
    return Asset(name, len(content), hashlib.sha256(content).hexdigest(), origins)


class Shop:
    """A fake of all registries: members by package and path; counts what is asked of it."""

    def __init__(self, stock: dict[tuple[Package, str], bytes]) -> None:
        self.stock = stock
        self.asked: list[Package] = []

    def obtain(self, package: Package, member: str, folder: Path) -> Path:
        self.asked.append(package)
        if (package, member) not in self.stock:
            raise ModelError(f"npm failed (1): no {member}")
        path = folder / "member"
        path.write_bytes(self.stock[package, member])
        return path


def quiet(_line: str) -> None:
    pass


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_fetch_writes_the_byte_range_of_a_member(tmp_path: Path) -> None:
    shop = Shop({(FIRST, "a/data"): CONTENT})
    asset = make_asset(CONTENT[10:266], Origin(FIRST, "a/data", 10, 266))

    assert fetch([asset], tmp_path / "new", obtain=shop.obtain, say=quiet) == ["made.tflite"]

    assert only_file(tmp_path / "new").read_bytes() == bytes(range(256))


def test_fetch_leaves_a_good_file_alone(tmp_path: Path) -> None:
    (tmp_path / "made.tflite").write_bytes(CONTENT)
    shop = Shop({})

    assert fetch([make_asset(CONTENT)], tmp_path, obtain=shop.obtain, say=quiet) == []

    assert shop.asked == []


@pytest.mark.parametrize(
    "damaged", [CONTENT[:-1], b"", CONTENT[:-1] + b"?"], ids=["cut", "empty", "one byte"]
)
def test_fetch_replaces_a_damaged_file(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "made.tflite").write_bytes(damaged)
    shop = Shop({(FIRST, "data"): CONTENT})

    fetch([make_asset(CONTENT, Origin(FIRST, "data"))], tmp_path, obtain=shop.obtain, say=quiet)

    assert only_file(tmp_path).read_bytes() == CONTENT


def test_fetch_takes_the_next_origin_when_one_is_wrong(tmp_path: Path) -> None:
    shop = Shop({(FIRST, "data"): b"something else", (SECOND, "data"): CONTENT})
    asset = make_asset(CONTENT, Origin(FIRST, "data"), Origin(SECOND, "data"))

    fetch([asset], tmp_path, obtain=shop.obtain, say=quiet)

    assert shop.asked == [FIRST, SECOND]
    assert only_file(tmp_path).read_bytes() == CONTENT


def test_fetch_names_every_reason_and_leaves_nothing_when_no_origin_is_right(
    tmp_path: Path,
) -> None:
    shop = Shop({(FIRST, "data"): b"forged"})
    asset = make_asset(CONTENT, Origin(FIRST, "data"), Origin(SECOND, "data"))

    with pytest.raises(ModelError) as caught:
        fetch([asset], tmp_path, obtain=shop.obtain, say=quiet)

    assert "npm @made/first 1.0: 6 bytes with sha256" in str(caught.value)
    assert "wheel second 2.0: npm failed (1): no data" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_fetch_keeps_what_it_had_when_the_new_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "made.tflite").write_bytes(b"old")
    shop = Shop({(FIRST, "data"): b"forged"})

    with pytest.raises(ModelError):
        fetch([make_asset(CONTENT, Origin(FIRST, "data"))], tmp_path, obtain=shop.obtain, say=quiet)

    assert only_file(tmp_path).read_bytes() == b"old"


def test_fetch_says_what_is_under_way(tmp_path: Path) -> None:
    lines: list[str] = []
    shop = Shop({(FIRST, "data"): CONTENT})

    fetch(
        [make_asset(CONTENT, Origin(FIRST, "data"))], tmp_path, obtain=shop.obtain, say=lines.append
    )

    assert lines == ["made.tflite: from npm @made/first 1.0"]


@pytest.mark.parametrize(
    ("write", "state"),
    [
        (None, "missing"),
        (lambda path: path.write_bytes(CONTENT), "good"),
        (lambda path: path.write_bytes(CONTENT[1:]), "damaged"),
        (lambda path: path.write_bytes(b"?" + CONTENT[1:]), "damaged"),
    ],
)
def test_full_state_reads_the_whole_file(
    tmp_path: Path, write: Callable[[Path], int] | None, state: str
) -> None:
    path = tmp_path / "made.tflite"
    if write is not None:
        write(path)

    assert full_state(path, make_asset(CONTENT)) == state


def test_model_path_names_the_remedy_when_the_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"is missing; run: .* models fetch --dir {tmp_path}$"):
        model_path(DETECTOR, tmp_path)


def test_model_path_refuses_a_file_that_was_cut_off(tmp_path: Path) -> None:
    store.models_dir(tmp_path).mkdir()
    (store.models_dir(tmp_path) / DETECTOR).write_bytes(b"half")

    with pytest.raises(ModelError, match="is damaged; run: polewatch models fetch"):
        model_path(DETECTOR, tmp_path)


def test_model_path_refuses_a_file_of_the_right_length_that_is_another(tmp_path: Path) -> None:
    """A card that forgets bits gives a model that still runs, and sees other things."""
    store.models_dir(tmp_path).mkdir()
    path = store.models_dir(tmp_path) / DETECTOR
    with path.open("wb") as file:
        file.truncate(9_987_728)

    with pytest.raises(ModelError, match="is damaged; run: polewatch models fetch"):
        model_path(DETECTOR, tmp_path)


def test_model_path_refuses_a_name_that_is_no_asset(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        model_path("other.tflite", tmp_path)


def test_every_model_states_a_whole_hash_and_a_byte_range_of_its_size() -> None:
    assert len({asset.name for asset in MODELS}) == len(MODELS)
    for asset in (*MODELS, store.FOOTAGE):
        assert len(bytes.fromhex(asset.sha256)) == 32
        for origin in asset.origins:
            if origin.to_byte is not None:
                assert origin.to_byte - origin.from_byte == asset.size_bytes
