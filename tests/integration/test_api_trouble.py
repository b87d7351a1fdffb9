"""Feeds, alerts and media while the disk gives or takes nothing: said so, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edge.agent.api.app import make_app
from edge.agent.ports import AlertPage, AlertSummary, CameraSet
from edge.errors import StoreError
from edge.evidence import SignedStatement, Statement
from edge.feeds import Feed, Page
from edge.model import KeptMedia
from tests.support.aio import run_async
from tests.support.api_pole import Bench, ListLog

pytestmark = pytest.mark.timeout(120)

ALERT = "01JDAAAAAAAAAAAAAAAAAAAAAA"
HASH = "0" * 64
ACKS = (("/v1/feeds/alerts/ack", {"upto": "k3f9.0"}), ("/v1/media/ack", {"sha256": [HASH]}))
DEAD = StoreError("the log can't be used (disk I/O error); check the disk")


class DeadLog(ListLog):
    """Reads nothing any more."""

    async def page(self, feed: Feed, *, after: int, limit: int, cameras: CameraSet) -> Page:
        raise DEAD

    async def alerts(
        self, *, only_open: bool, after: str | None, limit: int, cameras: CameraSet
    ) -> AlertPage:
        raise DEAD

    async def alert(self, alert: str) -> AlertSummary | None:
        raise DEAD

    async def find_media(self, sha256: str) -> KeptMedia | None:
        raise DEAD

    async def ack(self, name: str, feed: Feed, seq: int) -> int:
        raise DEAD


class FullLog(ListLog):
    """Has one open alert; `jam()` makes its disk take nothing."""

    async def alert(self, alert: str) -> AlertSummary | None:
        body = b'{"id":"%s","acked":null,"resolved":null}' % ALERT.encode()
        return AlertSummary(ALERT, "yard", True, False, None, body)


class HangingLog(ListLog):
    """Does not know yet that its disk is in trouble; `jam()` makes it wait."""

    @property
    def fault(self) -> str | None:
        return None


class HangingDeskLog(FullLog, HangingLog):
    """Has one open alert, and does not know yet that its disk is in trouble."""


class LyingLog(ListLog):
    """Wakes those who wait although there is nothing, then says that the time is over."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0

    async def wait_for_more(self, feed: Feed, *, after: int, timeout_s: float) -> bool:
        self.waits += 1
        return self.waits < 3


class SignedLog(ListLog):
    """Has signed a head at each place from 1 to 1,200, and a checkpoint at 1,001."""

    async def statements(self, feed: Feed, *, after: int, limit: int) -> list[SignedStatement]:
        places = sorted([*range(1, 1201), 1001])
        return [
            SignedStatement(
                Statement("head", "SG-017", "k3f9", feed, seq, HASH, "2026-11-22T17:33:05.120Z"),
                "key",
                "signature",
            )
            for seq in places
            if seq > after
        ][:limit]


class LeavingLog(ListLog):
    """Loses its oldest records between the look at the head and the reading."""

    async def page(self, feed: Feed, *, after: int, limit: int, cameras: CameraSet) -> Page:
        return Page((), after, False, 5)


def client_of(bench: Bench) -> TestClient[web.Request, web.Application]:
    return TestClient(TestServer(make_app(bench.pole())))


def bearer(bench: Bench) -> dict[str, str]:
    return {"Authorization": f"Bearer {bench.token()}"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/feeds/alerts", None),
        ("GET", "/v1/feeds/alerts?wait=60", None),
        ("GET", "/v1/alerts", None),
        ("GET", f"/v1/alerts?after={ALERT}", None),
        ("GET", f"/v1/alerts/{ALERT}", None),
        ("POST", f"/v1/alerts/{ALERT}/ack", {}),
        ("GET", f"/v1/media/{HASH}", None),
        ("POST", "/v1/feeds/alerts/ack", {"upto": "k3f9.0"}),
    ],
)
@run_async
async def test_request_is_told_to_come_again_when_the_disk_can_not_be_read(
    tmp_path: Path, method: str, path: str, body: object
) -> None:
    bench = Bench(tmp_path, log=DeadLog())
    async with client_of(bench) as client:
        answer = await client.request(method, path, json=body, headers=bearer(bench))

        assert answer.status == 503
        assert answer.content_type == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0


@run_async
async def test_word_about_an_alert_is_refused_when_the_disk_takes_no_records(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, log=FullLog())
    async with client_of(bench) as client:
        headers = bearer(bench)
        bench.log.jam()
        answer = await client.post(f"/v1/alerts/{ALERT}/ack", headers=headers)
        assert answer.status == 503
        assert "the disk is full; make room" in (await answer.json())["detail"]
        assert answer.headers["Retry-After"] == "10"
        assert bench.log.of("alert.ack") == []

        bench.log.clear()
        answer = await client.post(f"/v1/alerts/{ALERT}/ack", headers=headers)
        assert answer.status == 200
        assert len(bench.log.of("alert.ack")) == 1


@run_async
async def test_ack_is_refused_when_the_disk_takes_no_records(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with client_of(bench) as client:
        headers = bearer(bench)
        bench.log.jam()
        for path, body in ACKS:
            answer = await client.post(path, json=body, headers=headers)
            assert answer.status == 503
            assert "the disk is full; make room" in (await answer.json())["detail"]
            assert answer.headers["Retry-After"] == "10"


@run_async
async def test_ack_ends_when_the_disk_hangs(tmp_path: Path) -> None:
    """A station that asks again would otherwise hold one connection more each time."""
    bench = Bench(tmp_path, log=HangingLog())
    async with client_of(bench) as client:
        headers = bearer(bench)
        bench.log.jam()
        asked = [client.post(path, json=body, headers=headers) for path, body in ACKS]
        for answer in await asyncio.wait_for(asyncio.gather(*asked), 30):
            assert answer.status == 503
            assert "it is queued" in (await answer.json())["detail"]


@run_async
async def test_only_words_that_were_handed_over_are_called_queued_when_the_disk_hangs(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, log=HangingDeskLog())
    async with client_of(bench) as client:
        headers = bearer(bench)
        bench.log.jam()
        asked = [client.post(f"/v1/alerts/{ALERT}/ack", headers=headers) for _ in range(5)]
        answers = await asyncio.gather(*asked)
        details = [(await answer.json())["detail"] for answer in answers]
    assert {answer.status for answer in answers} == {503}
    queued = sum("it is queued" in detail for detail in details)
    assert queued == len(bench.log.of("alert.ack"))
    assert sum("nothing was written" in detail for detail in details) == 5 - queued > 0


@run_async
async def test_long_poll_ends_when_it_was_woken_for_nothing(tmp_path: Path) -> None:
    log = LyingLog()
    bench = Bench(tmp_path, log=log)
    async with client_of(bench) as client:
        answer = await client.get("/v1/feeds/alerts?wait=60", headers=bearer(bench))

        assert answer.status == 200
        assert (await answer.json())["items"] == []
        assert log.waits == 3


@run_async
async def test_page_is_gone_when_its_records_left_while_it_was_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path, log=LeavingLog())
    async with client_of(bench) as client:
        headers = bearer(bench)
        answer = await client.get("/v1/feeds/alerts?after=k3f9.0", headers=headers)
        assert answer.status == 410
        assert (await answer.json())["oldest"] == "k3f9.4"
        from_the_oldest = await client.get("/v1/feeds/alerts", headers=headers)
        assert from_the_oldest.status == 200


@run_async
async def test_no_statement_falls_between_two_pages_when_a_place_has_two(tmp_path: Path) -> None:
    bench = Bench(tmp_path, log=SignedLog())
    async with client_of(bench) as client:
        headers = bearer(bench)
        seqs: list[int] = []
        after, has_more = 0, True
        while has_more:
            answer = await client.get(f"/v1/feeds/alerts/statements?after={after}", headers=headers)
            page = await answer.json()
            seqs += [item["seq"] for item in page["items"]]
            after, has_more = page["next"], page["more"]

    assert seqs == sorted([*range(1, 1201), 1001])
