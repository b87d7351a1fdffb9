"""What every command beside a station says where there is no store, or none that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main
from edge.station.store.schema import STORE_NAME
from tests.support.station_process import write_station


@pytest.mark.parametrize("command", ["stats", "tail", "verify"])
def test_store_that_no_station_has_begun_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    files = write_station(tmp_path, {}, port=1)
    assert main(["station", command, "--config", str(files.config)]) == 2
    assert capsys.readouterr().err == (
        f"polewatch: {files.store}: holds no {STORE_NAME};"
        " start the station first, or give a station's store\n"
    )
    assert not files.store.exists()


@pytest.mark.parametrize("command", ["stats", "tail"])
def test_store_that_can_not_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    files = write_station(tmp_path, {}, port=1)
    files.store.mkdir()
    (files.store / STORE_NAME).write_bytes(b"no database" * 1000)
    assert main(["station", command, "--config", str(files.config)]) == 1
    assert capsys.readouterr().err.startswith(f"polewatch: {files.store}: the store is damaged")
