"""What is read of a station's store at once: so many bytes, and no more rows than are needed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.feeds import FEEDS
from edge.station.ports.desk import Asked, DeskPage
from edge.station.store.reader import ANSWER_BYTES_MAX
from tests.support.aio import run_async
from tests.support.station_store import (
    PolePages,
    alert_id,
    make_alert,
    make_file,
    make_store,
    make_word,
)

pytestmark = pytest.mark.timeout(120)


def ids(page: DeskPage) -> list[str]:
    return [msgspec.json.decode(body)["id"] for body in page.bodies]


@run_async
async def test_answers_end_where_their_bytes_do_and_say_where_to_go_on(tmp_path: Path) -> None:
    data = {"text": "x" * 250_000}
    drafts = [make_alert(1, "alert.update", ordinal=ordinal, data=data) for ordinal in range(40)]
    async with make_store(tmp_path) as store:
        for name in ("SG-017", "SG-018"):
            pages = PolePages(name=name)
            for first in range(0, 40, 8):
                await store.keep(pages.page(*drafts[first : first + 8]))
        await store.keep(PolePages().page(make_file(1, b"x")))
        found: list[bytes] = []
        after: int | None = 0
        while after is not None:
            page = await store.records("SG-017", alert_id(1), after=after)
            assert sum(map(len, page.bodies)) < ANSWER_BYTES_MAX + 256 * 1024
            found, after = found + list(page.bodies), page.next
        assert len(found) == 41
        numbers: list[int] = []
        while arrivals := await store.arrivals(
            after=numbers[-1] if numbers else 0, feeds=FEEDS, limit=1000
        ):
            assert sum(len(each.body) for each in arrivals) < ANSWER_BYTES_MAX + 256 * 1024
            numbers += [each.number for each in arrivals]
        assert numbers == list(range(1, 82))


@run_async
async def test_lists_of_alerts_end_where_their_bytes_do(tmp_path: Path) -> None:
    data = {"text": "x" * 100_000}
    pages = PolePages()
    async with make_store(tmp_path) as store:
        for first in range(0, 60, 10):
            numbers = range(first, first + 10)
            await store.keep(pages.page(*(make_alert(number, data=data) for number in numbers)))
        for asked in (Asked(), Asked(state="all", newest_first=True)):
            first_page = await store.alerts(asked, after=None, limit=100)
            assert sum(map(len, first_page.bodies)) < ANSWER_BYTES_MAX + 256 * 1024
            rest = await store.alerts(asked, after=first_page.next, limit=100)
            assert {*ids(first_page), *ids(rest)} == {alert_id(number) for number in range(60)}
            assert (len(first_page.bodies) + len(rest.bodies), rest.next) == (60, None)
        changed = await store.changed(after=0, limit=100)
        assert len(changed.bodies) == len(first_page.bodies)
        others = await store.changed(after=int(changed.next or 0), limit=100)
        assert ([*ids(changed), *ids(others)], others.next) == (
            [alert_id(number) for number in range(60)], None,
        )  # fmt: skip


@run_async
async def test_severity_before_a_record_is_the_newest_that_was_told(tmp_path: Path) -> None:
    pages = PolePages()
    async with make_store(tmp_path) as store:
        await store.keep(pages.page(make_alert(1, severity="minor"), make_alert(2)))
        await store.keep(pages.page(make_alert(1, "alert.update", severity=None)))
        await store.say([make_word(1, "alert.ack")])
        await store.keep(pages.page(make_alert(1, "alert.update", severity="critical", ordinal=1)))
        told = [await store.severity("SG-017", alert_id(1), before=n) for n in range(1, 7)]
        assert told == [None, "minor", "minor", "minor", "minor", "critical"]
        assert await store.severity("SG-018", alert_id(1), before=6) is None
