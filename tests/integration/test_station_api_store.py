"""The API over a real store: what a desk sees is what was kept, and what it says is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.web import Application

from edge.errors import StoreError
from edge.serving.door import Door
from edge.serving.server import serve
from edge.station.api.app import make_app
from edge.station.api.audit_line import AuditLine
from edge.station.api.context import StationContext
from edge.station.store.schema import STORE_NAME
from edge.station.store.station_store import StationStore
from tests.support.aio import run_async, wait_until
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS, make_draft
from tests.support.station_bench import CLOCK, KEY, SITES, StationBench, headers_of, token_of
from tests.support.station_store import (
    PolePages,
    alert_id,
    bring,
    make_alert,
    make_file,
    make_store,
)

pytestmark = pytest.mark.timeout(120)

SEVERITIES = ("info", "critical", "minor", "major")


@dataclass
class Desk:
    """A station with a store on a disk, and somebody who asks it."""

    store: StationStore
    clock: ManualClock
    session: ClientSession
    pages: dict[str, PolePages] = field(default_factory=dict)

    async def open(self, number: int, pole: str = "SG-017") -> None:
        """Keep an alert of a pole."""
        pages = self.pages.setdefault(pole, PolePages(pole, pole_id=pole))
        draft = make_alert(number, severity=SEVERITIES[number % 4])
        await self.store.keep(pages.page(draft, received_ms=self.clock.utc_ms()))

    async def get(self, path: str, person: str = "li") -> Any:
        """Ask for JSON."""
        async with self.session.get(path, headers=headers_of(person)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def say(self, number: int, what: str, body: Any) -> Any:
        """Say something of an alert of SG-017."""
        path = f"/v1/alerts/SG-017/{alert_id(number)}/{what}"
        async with self.session.post(path, json=body, headers=headers_of("li")) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    bench = StationBench()
    clock = ManualClock(utc_ms=AT_MS)
    async with make_store(folder, clock=clock, sites=SITES) as store:
        station = StationContext(
            bench.config, store, store, bench.links, clock, lambda: CLOCK, bench.make_id,
            KEY.public_key(), AT_MS, lambda: (),
        )  # fmt: skip
        async with (
            serve(make_app(station), Door("127.0.0.1:0")) as (address,),
            ClientSession(f"http://{address}") as session,
        ):
            yield Desk(store, clock, session)


@run_async
async def test_pages_join_and_are_worst_first(tmp_path: Path) -> None:
    async with desk(tmp_path) as asked:
        for number in range(25):
            await asked.open(number, "SG-017" if number % 2 else "SG-018")
        found, after = [], ""
        while True:
            page = await asked.get(f"/v1/alerts?limit=7{after}")
            found += page["items"]
            if not page["more"]:
                break
            after = f"&after={page['next']}"
        assert len({each["id"] for each in found}) == 25
        order = ["critical", "major", "minor", "info"]
        ranks = [order.index(each["severity"]) for each in found]
        assert ranks == sorted(ranks)
        for query, count in (
            ("pole=SG-018", 13), ("site=North%20gate", 12), ("rule=fire", 25), ("rule=x", 0),
            ("rule=fire/yard-east", 25), ("order=newest", 25), ("state=new", 25),
        ):  # fmt: skip
            assert len((await asked.get(f"/v1/alerts?{query}"))["items"]) == count, query
        async with asked.session.get("/v1/alerts?after=w.x", headers=headers_of("li")) as answer:
            assert answer.status == 400


@run_async
async def test_file_that_was_changed_on_the_disk_is_set_aside_and_fetched_again(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as asked:
        await asked.open(1)
        pages = asked.pages["SG-017"]
        await asked.store.keep(pages.page(make_file(1, b"clip")))
        (wanted,) = await asked.store.wanted("SG-017", limit=9)
        await bring(asked.store, wanted, b"clip")
        await asked.store.set_aside(wanted.sha256)
        assert await asked.store.count_spoiled() == 0, "a file that is whole stays"

        path = tmp_path / "media" / wanted.sha256[:2] / wanted.sha256
        path.write_bytes(b"clap")
        href = f"/v1/media/SG-017/{wanted.sha256}"
        statuses = []
        for _ in range(2):
            async with asked.session.get(href, headers=headers_of("li")) as answer:
                statuses.append(answer.status)
        assert statuses == [503, 404]
        assert await asked.store.wanted("SG-017", limit=9) == [wanted]
        (witness,) = (tmp_path / "spoiled").iterdir()
        assert witness.read_bytes() == b"clap"

        path.write_bytes(b"clip too")  # whatever lies there gives way to what was checked
        await bring(asked.store, wanted, b"clip")
        async with asked.session.get(href, headers=headers_of("li")) as answer:
            assert await answer.read() == b"clip"
        assert await asked.store.count_spoiled() == 2


@run_async
async def test_news_follow_everything_that_changes(tmp_path: Path) -> None:
    async with desk(tmp_path) as asked:
        change = (await asked.get("/v1/alerts"))["change"]
        waiting = asyncio.ensure_future(asked.get(f"/v1/news?after={change}&wait=60"))
        for number in range(3):
            await asked.open(number)
        seen: dict[str, Any] = {}
        news = await waiting
        while True:
            seen |= {each["id"]: each for each in news["alerts"]}
            if news["change"] == asked.store.change and not news["more"]:
                break
            news = await asked.get(f"/v1/news?after={news['change']}")
        assert sorted(seen) == [alert_id(number) for number in range(3)]
        await asked.say(1, "ack", {"note": None})
        news = await asked.get(f"/v1/news?after={news['change']}&wait=60")
        assert [(each["id"], each["acked"]["by"]) for each in news["alerts"]] == [
            (alert_id(1), "li")
        ]
        assert news["counts"] == (await asked.get("/v1/station"))["counts"]
        assert (news["counts"]["open"], news["counts"]["new"]) == (3, 2)


@run_async
async def test_words_are_kept_and_wait_for_the_pole(tmp_path: Path) -> None:
    async with desk(tmp_path) as asked:
        await asked.open(1)
        assert (await asked.say(1, "ack", {"note": "go"}))["acked"]["by"] == "li"
        assert (await asked.say(1, "note", {"text": "there"}))["notes"][0]["text"] == "there"
        assert (await asked.say(1, "hold", {"case": "2026-17"}))["hold"]["text"] == "2026-17"
        assert (await asked.say(1, "resolve", {"verdict": "false"}))["resolved"]["by"] == "li"
        words = await asked.store.words_to_send("SG-017", limit=10)
        assert [word.what for word in words] == ["ack", "resolve"]
        body = {"alerts": [{"pole": "SG-017", "id": alert_id(1)}]}
        for noted in (1, 0):
            async with asked.session.post(
                "/v1/seen", json=body, headers=headers_of("li")
            ) as answer:
                assert await answer.json() == {"noted": noted}
        found = await asked.get(f"/v1/alerts/SG-017/{alert_id(1)}/records")
        kinds = [each["kind"] for each in found["items"]]
        assert kinds == [
            "alert.open", "alert.ack", "alert.note", "alert.hold", "alert.resolve", "alert.seen",
        ]  # fmt: skip


@run_async
async def test_file_is_shown_as_coming_and_then_given(tmp_path: Path) -> None:
    content = b"clip of no real camera" * 3000
    async with desk(tmp_path) as asked:
        await asked.open(1)
        batch = asked.pages["SG-017"].page(make_file(1, content))
        await asked.store.keep(batch)
        (file,) = (await asked.get(f"/v1/alerts/SG-017/{alert_id(1)}"))["media"]
        assert file["state"] == "waiting"
        async with asked.session.get(file["href"], headers=headers_of("wang")) as answer:
            assert answer.status == 404
        (wanted,) = await asked.store.wanted("SG-017", limit=5)
        await bring(asked.store, wanted, content)
        (file,) = (await asked.get(f"/v1/alerts/SG-017/{alert_id(1)}"))["media"]
        assert file["state"] == "here"
        part = {**headers_of("wang"), "Range": "bytes=1000-"}
        async with asked.session.get(file["href"], headers=part) as answer:
            assert await answer.read() == content[1000:]
        async with asked.session.get("/v1/feed?feed=audit", headers=headers_of("li")) as answer:
            lines = [json.loads(line) for line in (await answer.text()).splitlines()]
        said = [line["record"]["data"] for line in lines]
        assert [(each["what"], each["by"]) for each in said] == [("media", "wang"), ("feed", "li")]


@contextmanager
def refusing_disk(folder: Path) -> Iterator[None]:
    """Let a store's disk take nothing: its file is elsewhere."""
    (folder / STORE_NAME).rename(folder / "elsewhere")
    yield
    (folder / "elsewhere").rename(folder / STORE_NAME)


async def read_audit(store: StationStore) -> list[dict[str, Any]]:
    """What the station has put on record, and what it could not."""
    arrivals = await store.arrivals(after=0, feeds=["audit", "alerts"], limit=100)
    records = [json.loads(each.body) for each in arrivals if each.pole == "station"]
    return [each for each in records if each["kind"] in ("access", "login", "loss")]


async def wait_for_audit(store: StationStore, count: int) -> list[dict[str, Any]]:
    """The same, once there is so much of it."""
    while len(found := await read_audit(store)) < count:  # noqa: ASYNC110 - the disk's own time
        await asyncio.sleep(0.02)
    return found


@run_async
async def test_view_and_session_are_on_record_once_the_disk_takes_things_again(
    tmp_path: Path,
) -> None:
    content = b"clip of no real camera" * 3000
    async with desk(tmp_path) as asked:
        await asked.open(1)
        await asked.store.keep(asked.pages["SG-017"].page(make_file(1, content)))
        (wanted,) = await asked.store.wanted("SG-017", limit=5)
        await bring(asked.store, wanted, content)
        path, body = f"/v1/media/SG-017/{wanted.sha256}", {"token": token_of("chen")}
        with refusing_disk(tmp_path):
            async with asked.session.get(path, headers=headers_of("wang")) as answer:
                assert await answer.read() == content
            async with asked.session.post("/v1/session", json=body) as answer:
                assert answer.status == 200
            assert await read_audit(asked.store) == []
        said = await wait_for_audit(asked.store, 2)
        assert [(each["kind"], each["data"]["by"]) for each in said] == [
            ("access", "wang"), ("login", "chen"),
        ]  # fmt: skip


@run_async
async def test_audit_that_finds_no_room_is_counted_and_told(tmp_path: Path) -> None:
    drafts = [make_draft(number, feed="audit", kind="access") for number in range(5)]
    async with make_store(tmp_path) as store:
        line = AuditLine(store.say, make_id=lambda: "01Z", records_max=3)
        async with asynccontextmanager(line.live)(Application()):
            with refusing_disk(tmp_path):
                told = [asyncio.ensure_future(line.append([draft])) for draft in drafts]
                lost, _ = await asyncio.wait(told, return_when=asyncio.FIRST_EXCEPTION)
                assert [type(each.exception()) for each in lost] == [StoreError] * 2
                await wait_until(lambda: store.fault is not None)
            await asyncio.wait(told)
            *views, loss = await wait_for_audit(store, 4)
        assert [each["id"] for each in views] == [draft.id for draft in drafts[:3]]
        assert (loss["kind"], loss["severity"]) == ("loss", "major")
        assert loss["data"]["kinds"] == {"audit access": 2}
        assert "taken away" in loss["data"]["reason"]


@pytest.mark.parametrize("is_back", [True, False])
def test_audit_that_waits_at_the_end_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_back: bool
) -> None:
    @run_async
    async def end() -> None:
        async with make_store(tmp_path) as store:
            line = AuditLine(store.say, make_id=lambda: "01Z")
            with ExitStack() as away:
                away.enter_context(refusing_disk(tmp_path))
                async with asynccontextmanager(line.live)(Application()):
                    told = asyncio.ensure_future(
                        line.append([make_draft(feed="audit", kind="access")])
                    )
                    await wait_until(lambda: store.fault is not None)
                    if is_back:
                        away.close()
                assert len(await read_audit(store)) == is_back
                told.cancel()
        assert ("not on disk at the end: records=1" in caplog.text) is not is_back

    end()


@run_async
async def test_feed_and_figures_are_of_what_was_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as asked:
        for number in range(5):
            await asked.open(number)
        asked.clock.move(60)
        await asked.say(2, "ack", {})
        asked.clock.move(1)
        async with asked.session.get(
            "/v1/feed?feed=alerts&limit=3", headers=headers_of("wang")
        ) as answer:
            lines = [json.loads(line) for line in (await answer.text()).splitlines()]
            following = answer.headers["Polewatch-Next"]
        assert [line["record"]["alert"] for line in lines] == [alert_id(n) for n in range(3)]
        waiting = asyncio.ensure_future(
            asked.session.get(
                f"/v1/feed?feed=measures&after={following}&wait=60", headers=headers_of("wang")
            )
        )
        pages = asked.pages["SG-017"]
        count = make_alert(9, "sight", feed="measures", alert=None, severity=None, rule=None)
        await asked.store.keep(pages.page(count))
        async with await waiting as answer:
            assert [json.loads(line)["record"]["feed"] for line in [await answer.text()]] == [
                "measures"
            ]
        table = await asked.get("/v1/stats?by=person")
        assert {row["key"]: row["alerts"] for row in table["rows"]} == {"": 4, "li": 1}
        assert table["rows"][1]["acked_median_s"] == 60.0
