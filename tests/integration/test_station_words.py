"""What desks say of a pole's alerts comes to the pole, in order, and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from edge.station.pulling.words import Words
from edge.supervise import Passing
from tests.support.aio import run_async, wait_until
from tests.support.pulled_files import POLE, PulledFiles, pulled_files
from tests.support.station_store import make_alert, make_word

pytestmark = pytest.mark.timeout(120)


async def sleep_briefly(wait_s: float) -> None:
    await asyncio.sleep(min(wait_s, 0.02))


@asynccontextmanager
async def passing_on(pulled: PulledFiles) -> AsyncIterator[None]:
    """Pass words on for the block."""
    passing = Passing(sleep=sleep_briefly)
    words = Words(pulled.client, pulled.store, pulled.contact, passing)
    task = asyncio.ensure_future(words.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def open_alert(pulled: PulledFiles, number: int) -> str:
    """An alert that is the same at the pole and here; its id."""
    draft = make_alert(number)
    await pulled.pole.log.append([draft])
    await pulled.store.keep(pulled.pages.page(draft))
    assert draft.alert is not None
    return draft.alert


async def at_the_pole(pulled: PulledFiles, alert: str) -> dict[str, Any]:
    """An alert as the pole has it."""
    headers = pulled.pole.token(pulled.pole.make_id())
    async with pulled.pole.client.get(f"/v1/alerts/{alert}", headers=headers) as response:
        answer: dict[str, Any] = json.loads(await response.read())
        return answer


async def until_all_is_sent(pulled: PulledFiles) -> None:
    while await pulled.store.words_to_send(POLE, limit=1):  # noqa: ASYNC110 - nobody signals it
        await asyncio.sleep(0.01)


@run_async
async def test_ack_and_verdict_name_the_person_at_the_pole_when_a_desk_has_spoken(
    tmp_path: Path,
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        alert = await open_alert(pulled, 1)
        async with passing_on(pulled):
            await pulled.store.say([make_word(1, "alert.ack", by="chen")], pass_on=True)
            pulled.contact.nudge()
            await until_all_is_sent(pulled)
            verdict = make_word(1, "alert.resolve", by="chen", verdict="real", note="two men")
            await pulled.store.say([verdict], pass_on=True)
            pulled.contact.nudge()
            await until_all_is_sent(pulled)

        shown = await at_the_pole(pulled, alert)
        assert shown["acked"]["by"] == "station"
        assert shown["resolved"]["verdict"] == "real"
        assert shown["resolved"]["note"].startswith("chen")
        assert pulled.bad.count("POST /v1/alerts/") == 2


@run_async
async def test_words_come_in_order_when_the_pole_was_out_of_reach(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        alert = await open_alert(pulled, 1)
        pulled.bad.set(status_at=("/v1/alerts", 502))
        async with passing_on(pulled):
            for ordinal, verdict in enumerate(("real", "test", "false")):
                word = make_word(1, "alert.resolve", verdict=verdict, ordinal=ordinal)
                await pulled.store.say([word], pass_on=True)
            pulled.contact.nudge()
            await wait_until(lambda: pulled.bad.count("POST /v1/alerts/") >= 3)
            pulled.bad.heal()
            await until_all_is_sent(pulled)

        assert (await at_the_pole(pulled, alert))["resolved"]["verdict"] == "false"


@run_async
async def test_a_word_is_put_away_and_others_go_on_when_the_pole_knows_no_such_alert(
    tmp_path: Path,
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        await pulled.store.keep(pulled.pages.page(make_alert(1)))
        known = await open_alert(pulled, 2)
        async with passing_on(pulled):
            words = [make_word(1, "alert.ack"), make_word(2, "alert.ack")]
            await pulled.store.say(words, pass_on=True)
            pulled.contact.nudge()
            await until_all_is_sent(pulled)

        assert (await at_the_pole(pulled, known))["acked"] is not None
        assert pulled.bad.count("POST /v1/alerts/") == 2


@run_async
async def test_words_of_other_alerts_come_when_the_pole_fails_over_one(tmp_path: Path) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        first, second = await open_alert(pulled, 1), await open_alert(pulled, 2)
        pulled.bad.set(status_at=(f"/v1/alerts/{first}", 500))
        async with passing_on(pulled):
            words = [make_word(1, "alert.ack"), make_word(2, "alert.ack")]
            await pulled.store.say(words, pass_on=True)
            pulled.contact.nudge()
            while not (await at_the_pole(pulled, second))["acked"]:  # noqa: ASYNC110 - its own log
                await asyncio.sleep(0.01)
            assert (await at_the_pole(pulled, first))["acked"] is None
            pulled.bad.heal()
            await until_all_is_sent(pulled)

        assert (await at_the_pole(pulled, first))["acked"] is not None


@pytest.mark.parametrize(
    ("status", "told"), [(403, "does not allow it there"), (500, "fails to answer (500)")]
)
@run_async
async def test_a_pole_that_takes_no_words_is_named_once_until_it_takes_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, told: str
) -> None:
    async with pulled_files(tmp_path / "t") as pulled:
        await open_alert(pulled, 1)
        pulled.bad.set(status_at=("/v1/alerts", status))
        async with passing_on(pulled):
            await pulled.store.say([make_word(1, "alert.ack")], pass_on=True)
            pulled.contact.nudge()
            await wait_until(lambda: pulled.bad.count("POST /v1/alerts/") >= 3)
            (trouble,) = pulled.contact.view().troubles
            pulled.bad.heal()
            await until_all_is_sent(pulled)
            await wait_until(lambda: pulled.contact.view().troubles == ())

        assert trouble.what == "words"
        assert told in trouble.detail
        assert sum("no word taken" in each for each in caplog.messages) == 1
