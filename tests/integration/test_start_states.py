"""A pole starts from any state of its data folder, says what it found, and loses nothing whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from edge.agent.data_folder import open_data_folder
from edge.agent.log.log_file import DAMAGED_NAME, LOG_NAME
from edge.agent.log.pole_log import PoleLog
from edge.agent.mending.mend import mend
from edge.agent.mending.quarantine import Found, find_untold
from edge.agent.mending.retelling import gather, tell_anew
from edge.agent.mending.salvage import find_records
from edge.agent.tokens import TOKENS_NAME
from edge.clock import SystemClock, make_ids
from edge.config.model import Pole
from edge.device_key import KEY_NAME, PUBLIC_NAME
from edge.errors import LogDamaged, StoreError
from edge.feeds import Draft, Feed
from tests.support.aio import run_async
from tests.support.drafts import CLOCK, make_draft
from tests.support.pole_process import PoleProcess, write_config
from tests.support.served_process import ServedProcess, free_port

pytestmark = pytest.mark.timeout(180)
ALERTS = 300
POLE = Pole(id="TEST-1")
PAGE_BYTES = 4096
NAME = "01JD00000000000000000{:05}"


def no_key(data: Path) -> None:
    (data / KEY_NAME).unlink()


def bad_key(data: Path) -> None:
    (data / KEY_NAME).write_bytes(b"-----BEGIN PRIVATE KEY-----\nnothing\n")


def open_key(data: Path) -> None:
    (data / KEY_NAME).chmod(0o644)


def other_public(data: Path) -> None:
    (data / PUBLIC_NAME).write_bytes(b"no key")


def half_log(data: Path) -> None:
    whole = (data / LOG_NAME).read_bytes()
    (data / LOG_NAME).write_bytes(whole[: len(whole) // 2 // PAGE_BYTES * PAGE_BYTES])


def no_header(data: Path) -> None:
    with (data / LOG_NAME).open("r+b") as file:
        file.write(bytes(PAGE_BYTES))


def garbage(data: Path) -> None:
    (data / LOG_NAME).write_bytes(b"garbage" * 10_000)


def only_wal(data: Path) -> None:
    (data / LOG_NAME).rename(data / f"{LOG_NAME}-wal")


def told_damaged(data: Path) -> None:
    (data / DAMAGED_NAME).touch()


def bad_tokens(data: Path) -> None:
    (data / TOKENS_NAME).write_bytes(b'{"format":1,"tok')


def open_tokens(data: Path) -> None:
    (data / TOKENS_NAME).chmod(0o666)


class SpoiltPole(PoleProcess):
    """A pole whose token has been made before its folder was spoilt."""

    def __enter__(self) -> Self:
        return ServedProcess.__enter__(self)


WHOLE, HALF, NONE, SAME = "all told anew", "some told anew", "none", "the log goes on"
STATES: tuple[tuple[Callable[[Path], None], str, str], ...] = (
    (no_key, "log: device.key was missing beside it", WHOLE),
    (bad_key, "log: device.key was damaged beside it", WHOLE),
    (open_key, "device.key: others could read or write it", SAME),
    (other_public, "public key: is not that of device.key", SAME),
    (half_log, "log: log.db is damaged: its end is missing", HALF),
    (no_header, "log: ", WHOLE),
    (garbage, "log: ", NONE),
    (only_wal, "log: log.db is missing beside its log.db-wal", WHOLE),
    (told_damaged, "log: it was found to be damaged while it was used", WHOLE),
    (bad_tokens, "tokens: can't be read", SAME),
    (open_tokens, "tokens.json: others could read or write it", SAME),
)


async def fill(data: Path, count: int = ALERTS) -> None:
    """Keep alerts as an agent does."""
    with open_data_folder(data) as folder:
        async with PoleLog(data, POLE, key=folder.key, clock=SystemClock()) as log:
            for begin in range(0, count, 100):
                numbers = range(begin, min(begin + 100, count))
                await log.append([draft for number in numbers for draft in life(number, count)])


def life(number: int, count: int) -> tuple[Draft, Draft]:
    alert, rule = NAME.format(number), {"type": "intrusion", "name": "gate"}
    given: dict[str, Any] = {"alert": alert, "camera": "steady", "rule": rule}
    return (
        make_draft(number, severity="major", **given),
        make_draft(number + count, kind="alert.close", **given),
    )


@pytest.mark.parametrize(("spoil", "told", "outcome"), STATES, ids=[s[0].__name__ for s in STATES])
@run_async
async def test_pole_starts_says_what_it_found_and_loses_nothing_whole(
    tmp_path: Path, spoil: Callable[[Path], None], told: str, outcome: str
) -> None:
    data, port = tmp_path / "data", free_port()
    await fill(data)
    config = write_config(tmp_path, {"steady": "nothing.mp4"}, port=port)
    pole = SpoiltPole(config, data, port=port)
    pole.token = pole.make_token("tester", "read")
    spoil(data)
    with pole:
        if spoil is bad_tokens:
            assert pole.get("/v1/feeds/alerts").status == 401
            pole.token = pole.make_token("tester", "read")
        records = list(pole.records("alerts"))
        mended = [e["data"] for e in pole.records("health") if e["kind"] == "mended"]
        lines = [f"{each['what']}: {each['reason']}" for each in mended]
        assert any(line.startswith(told) for line in lines), lines
        assert "found damaged at the start" in pole.errors
        assert all((data / each["kept"]).is_dir() for each in mended if each["kept"])
        assert (data / KEY_NAME).stat().st_mode & 0o777 == 0o600
        assert (data / TOKENS_NAME).stat().st_mode & 0o777 == 0o600
        opened = [e["alert"] for e in records if e["kind"] == "alert.open"]
        retold = [e for e in records if "retold" in e["data"] and e["kind"] != "loss"]
        losses = [e["data"] for e in records if e["kind"] == "loss"]
        check(outcome, opened, retold, losses)


def check(
    outcome: str, opened: list[str], retold: list[dict[str, Any]], losses: list[dict[str, Any]]
) -> None:
    names = [NAME.format(number) for number in range(ALERTS)]
    if outcome in (WHOLE, SAME):
        assert opened == names
        assert [each["count"] for each in losses] in ([], [0]), "nothing that is known to be"
        assert len(retold) == (0 if outcome == SAME else 2 * ALERTS)
    elif outcome == HALF:
        assert set(opened) < set(names)
        assert len(opened) > ALERTS / 4
        (loss,) = losses
        assert loss["what"] == "records"
        assert loss["reason"].endswith("how many records it had can't be told any more")
    else:
        assert opened == []


def make_drafts() -> Callable[..., Draft]:
    make_id = make_ids(SystemClock())

    def make(feed: Feed, kind: str, **fields: Any) -> Draft:
        return Draft(feed, make_id(0), kind, 0, CLOCK, **fields)

    return make


@run_async
async def test_telling_anew_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    await fill(data, 50)
    half_log(data)
    found: list[Found] = []
    with open_data_folder(data, mend=lambda path: found.extend(mend(path))) as folder:
        assert [each.what for each in found] == ["log"]
        (place,) = find_untold(data)
        whole = gather(place).records
        async with PoleLog(data, POLE, key=folder.key, clock=SystemClock()) as log:
            first = await tell_anew(place, log, make_drafts())
            assert len(first.records) == len(whole) > 0
            head = log.head("alerts").seq
            assert head == len(whole) + 1, "and one loss"
            assert list(find_untold(data)) == []
            await tell_anew(place, log, make_drafts())
            assert log.head("alerts").seq == head, "all of it is there already"


def test_records_are_found_in_any_surroundings(tmp_path: Path) -> None:
    assert list(find_records(tmp_path / "none")) == []
    (tmp_path / "noise").write_bytes(b'{"alert":' * 1000 + b'"hash":"' + b"a" * 64 + b'"}')
    assert list(find_records(tmp_path / "noise")) == []


@run_async
async def test_log_that_is_found_damaged_while_it_runs_ends_and_is_set_aside(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    await fill(data, 2000)
    with (data / LOG_NAME).open("r+b") as file:
        file.seek(60 * PAGE_BYTES)
        file.write(bytes(8 * PAGE_BYTES))
    with open_data_folder(data) as folder:
        async with PoleLog(data, POLE, key=folder.key, clock=SystemClock()) as log:
            watching = asyncio.create_task(log.watch())
            with pytest.raises(StoreError, match="damaged"):
                await log.page("alerts", after=0, limit=1000, cameras=None)
            with pytest.raises(BaseExceptionGroup) as ended:
                await watching
            assert isinstance(ended.value.exceptions[0], LogDamaged)
    assert (data / DAMAGED_NAME).exists()
    assert [each.what for each in mend(data)] == ["log"]
    assert not (data / LOG_NAME).exists()
