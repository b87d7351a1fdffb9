"""The data folder: one agent at a time, nobody else looks in, and no half is taken for a whole."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from edge.agent.data_folder import DataFolder, open_data_folder
from edge.agent.log.log_file import LOG_NAME
from edge.agent.log.pole_log import PoleLog
from edge.clock import SystemClock
from edge.device_key import KEY_NAME, PUBLIC_NAME
from edge.errors import StoreError
from edge.own_folder import LOCK_NAME
from tests.support.disks import read_only
from tests.support.drafts import POLE, make_draft

pytestmark = pytest.mark.timeout(120)


def use(path: Path, number: int = 1) -> int:
    """Start on a folder as the agent does, write a record, end; give the records there are."""

    async def write(folder: DataFolder) -> int:
        async with PoleLog(folder.path, POLE, key=folder.key, clock=SystemClock()) as log:
            await log.append([make_draft(number)])
            return log.head("alerts").seq

    with open_data_folder(path) as folder:
        return asyncio.run(write(folder))


def test_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "data"
    with open_data_folder(path) as folder:
        assert path.stat().st_mode & 0o777 == 0o700
        assert {each.name for each in path.iterdir()} == {KEY_NAME, PUBLIC_NAME, LOCK_NAME}
        assert (folder.media.parent, folder.eyes.parent, folder.tls.parent) == (path, path, path)


def test_folder_that_others_may_look_into_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with open_data_folder(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_second_agent_is_told_who_has_the_folder(tmp_path: Path) -> None:
    with (
        open_data_folder(tmp_path),
        pytest.raises(StoreError, match=rf"another agent has it \(process {os.getpid()}\)"),
    ):
        open_data_folder(tmp_path)
    with open_data_folder(tmp_path):
        pass


def test_folder_is_free_when_its_agent_was_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path;"
        "from edge.agent.data_folder import open_data_folder;"
        "folder = open_data_folder(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"process {other.pid}"):
            open_data_folder(tmp_path)
        other.kill()
    with open_data_folder(tmp_path):
        pass


def test_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(StoreError, match="/file: is no folder"):
            open_data_folder(path)
    with pytest.raises(StoreError, match="can't be made"):
        open_data_folder(Path("/proc/polewatch"))


def test_folder_on_a_read_only_disk_is_told(tmp_path: Path) -> None:
    use(tmp_path)
    with read_only(tmp_path), pytest.raises(StoreError, match=r"takes no files \(Read-only"):
        open_data_folder(tmp_path)


def test_folder_of_somebody_else_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a folder away")
    os.chown(tmp_path, 1234, -1)
    with pytest.raises(StoreError, match=r"belongs to user 1234, this is user 0; .*chown"):
        open_data_folder(tmp_path)


def test_lock_is_not_followed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("kept")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "other")
    with pytest.raises(StoreError, match="takes no files"):
        open_data_folder(tmp_path)
    assert (tmp_path / "other").read_text() == "kept"


def test_key_is_never_made_anew_beside_a_log(tmp_path: Path) -> None:
    use(tmp_path)
    (tmp_path / KEY_NAME).rename(tmp_path / "aside")
    with pytest.raises(StoreError, match="missing beside the log that it signed; put it back"):
        open_data_folder(tmp_path)
    assert not (tmp_path / KEY_NAME).exists()
    (tmp_path / "aside").rename(tmp_path / KEY_NAME)
    assert use(tmp_path, 2) == 2


def test_log_without_the_key_s_public_half_starts(tmp_path: Path) -> None:
    use(tmp_path)
    (tmp_path / PUBLIC_NAME).unlink()
    assert use(tmp_path, 2) == 2
    assert (tmp_path / PUBLIC_NAME).exists()


def test_another_pole_s_key_beside_the_log_is_told(tmp_path: Path) -> None:
    use(tmp_path / "one")
    use(tmp_path / "two")
    (tmp_path / "one" / KEY_NAME).write_bytes((tmp_path / "two" / KEY_NAME).read_bytes())
    with pytest.raises(StoreError, match="put the pole's own back"):
        use(tmp_path / "one")


def test_media_without_a_log_begin_a_new_one_and_stay(tmp_path: Path) -> None:
    (tmp_path / "media" / "ab").mkdir(parents=True)
    (tmp_path / "media" / "ab" / ("ab" * 32)).write_bytes(b"clip")
    assert use(tmp_path) == 1
    assert (tmp_path / "media" / "ab" / ("ab" * 32)).read_bytes() == b"clip"


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0"])
def test_log_that_was_hardly_begun_is_begun(tmp_path: Path, content: bytes) -> None:
    """The power went between making the file and its first page, or with that page half written."""
    with open_data_folder(tmp_path):
        (tmp_path / LOG_NAME).write_bytes(content)
    if content:
        with pytest.raises(StoreError, match=r"damaged .*move it away to begin anew"):
            use(tmp_path)
        (tmp_path / LOG_NAME).unlink()
    assert use(tmp_path) == 1


def test_log_without_tables_is_begun(tmp_path: Path) -> None:
    with open_data_folder(tmp_path):
        connection = apsw.Connection(str(tmp_path / LOG_NAME))
        connection.execute("PRAGMA journal_mode = WAL; PRAGMA user_version = 0")
        connection.close()
    assert use(tmp_path) == 1


def test_log_that_was_cut_off_is_told_and_kept(tmp_path: Path) -> None:
    for number in range(20):
        use(tmp_path, number)
    whole = (tmp_path / LOG_NAME).read_bytes()
    (tmp_path / LOG_NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="damaged"):
        use(tmp_path, 20)
    assert (tmp_path / LOG_NAME).read_bytes() == whole[: len(whole) // 2]


def test_records_without_their_log_are_not_thrown_away(tmp_path: Path) -> None:
    """SQLite takes a WAL that has no database for rubbish and deletes it."""
    use(tmp_path)
    (tmp_path / LOG_NAME).rename(tmp_path / "aside")
    (tmp_path / f"{LOG_NAME}-wal").write_bytes(b"records")
    with pytest.raises(StoreError, match="which holds records; put it back"):
        use(tmp_path)
    assert (tmp_path / f"{LOG_NAME}-wal").read_bytes() == b"records"
