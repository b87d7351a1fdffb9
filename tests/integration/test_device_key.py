"""The pole's key: made once, readable by nobody else, never replaced in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.device_key import KEY_NAME, PUBLIC_NAME, load_or_make_key, load_public_key
from edge.errors import StoreError


def test_key_is_made_once_and_stays(tmp_path: Path) -> None:
    first = load_or_make_key(tmp_path)
    again = load_or_make_key(tmp_path)
    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert (
        load_public_key(tmp_path / PUBLIC_NAME).public_bytes_raw()
        == first.public_key().public_bytes_raw()
    )
    assert (tmp_path / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {KEY_NAME, PUBLIC_NAME}


def test_two_poles_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    keys = {load_or_make_key(tmp_path / name).private_bytes_raw() for name in ("a", "b")}
    assert len(keys) == 2


def test_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_or_make_key(tmp_path)
    (tmp_path / KEY_NAME).chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        load_or_make_key(tmp_path)


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n", bytes(100)])
def test_damaged_key_is_told_and_not_replaced(tmp_path: Path, data: bytes) -> None:
    load_or_make_key(tmp_path)
    (tmp_path / KEY_NAME).write_bytes(data)
    with pytest.raises(StoreError, match="no key that can be read"):
        load_or_make_key(tmp_path)
    assert (tmp_path / KEY_NAME).read_bytes() == data


def test_link_in_the_key_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / KEY_NAME).symlink_to("/etc/hostname")
    with pytest.raises(StoreError, match="can't be read"):
        load_or_make_key(tmp_path)


def test_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="takes no key"):
        load_or_make_key(tmp_path / "nowhere")
