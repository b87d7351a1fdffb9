"""Feeds over HTTP: pages, cursors, long polls and acks, on a real log over a real socket."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, ClientTimeout

from edge.agent.log.records import Records
from edge.clock import SystemClock
from edge.evidence import START_HASH, Link, SignedStatement, Statement, check_signature, follow
from edge.serving.traffic import TRAFFIC
from tests.support.aio import run_async, wait_until
from tests.support.api_pole import KEY
from tests.support.served_pole import CONFIG, ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)

PROBLEM = "application/problem+json"


async def write_five(pole: ServedPole) -> None:
    for number in range(5):
        camera = "road" if number % 2 else "yard"
        await pole.write("measures", "count", camera=camera, data={"in": number})


@run_async
async def test_feed_gives_its_records_in_pages_when_read_from_the_oldest(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await write_five(pole)
        station, epoch = pole.token(), pole.log.epoch

        first = await pole.client.get("/v1/feeds/measures?limit=3", headers=station)
        page = await first.json()
        assert first.status == 200
        assert [record["seq"] for record in page["items"]] == [1, 2, 3]
        assert page["next"] == f"{epoch}.3"
        assert page["more"] is True
        assert page["oldest"] == f"{epoch}.0"

        second = await pole.client.get(
            f"/v1/feeds/measures?limit=3&after={page['next']}", headers=station
        )
        page = await second.json()
        assert [record["data"]["in"] for record in page["items"]] == [3, 4]
        assert page["more"] is False

        third = await pole.client.get(f"/v1/feeds/measures?after={epoch}.5", headers=station)
        assert await third.json() == {
            "items": [],
            "more": False,
            "next": f"{epoch}.5",
            "oldest": f"{epoch}.0",
        }


@run_async
async def test_feed_gives_the_stored_bytes_in_every_form(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await write_five(pole)
        station = pole.token()
        stored = (await pole.log.page("measures", after=0, limit=5, cameras=None)).bodies

        plain = await pole.client.get("/v1/feeds/measures", headers=station)
        assert b",".join(stored) in await plain.read()

        lines = await pole.client.get(
            "/v1/feeds/measures?limit=2", headers=station | {"Accept": "application/x-ndjson"}
        )
        assert lines.content_type == "application/x-ndjson"
        assert await lines.read() == stored[0] + b"\n" + stored[1] + b"\n"
        assert lines.headers["Polewatch-Next"] == f"{pole.log.epoch}.2"
        assert lines.headers["Polewatch-More"] == "true"
        assert lines.headers["Polewatch-Oldest"] == f"{pole.log.epoch}.0"

        accept = {"Accept": "application/cloudevents-batch+json"}
        events = await pole.client.get("/v1/feeds/measures", headers=station | accept)
        assert events.content_type == "application/cloudevents-batch+json"
        raw = await events.read()
        assert all(body in raw for body in stored)
        assert [event["type"] for event in msgspec.json.decode(raw)] == ["count"] * 5


@run_async
async def test_page_is_packed_for_who_takes_it_and_holds_the_same_bytes(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        for _ in range(20):
            await write_five(pole)
        station = pole.token()
        async with ClientSession(pole.client._base_url, auto_decompress=False) as raw:
            for accept in ("application/json", "application/x-ndjson"):
                headers = {**station, "Accept": accept, "Accept-Encoding": "identity"}
                plain = await raw.get("/v1/feeds/measures", headers=headers)
                headers["Accept-Encoding"] = "br, gzip;q=0.5"
                packed = await raw.get("/v1/feeds/measures", headers=headers)
                assert "Content-Encoding" not in plain.headers
                assert packed.headers["Content-Encoding"] == "gzip"
                assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept, Accept-Encoding"
                body = await plain.read()
                assert gzip.decompress(packed_body := await packed.read()) == body
                assert len(packed_body) * 3 < len(body)


@run_async
async def test_chain_can_be_followed_from_what_was_served(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await write_five(pole)
        accept = {"Accept": "application/x-ndjson"}
        answer = await pole.client.get("/v1/feeds/measures", headers=pole.token() | accept)

        link = Link(pole.log.epoch, "measures", 0, START_HASH)
        for body in (await answer.read()).splitlines():
            link = follow(link, body)

        assert link.seq == 5
        assert link.hash == pole.log.head("measures").hash


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [
        ("limit=0", 400, "limit"),
        ("limit=1001", 400, "limit"),
        ("limit=ten", 400, "limit"),
        ("limit=", 400, "limit"),
        ("limit=5&limit=6", 400, "limit"),
        ("wait=61", 400, "wait"),
        ("wait=-1", 400, "wait"),
        ("wait=nan", 400, "wait"),
        ("wait=1e999", 400, "wait"),
        ("after=", 400, "after"),
        ("after=here", 400, "after"),
        ("after=k3f9.-1", 400, "after"),
        ("after=k3f9.01", 400, "after"),
        ("after=k3f9.1%0d%0aX:1", 400, "after"),
        ("after=%F0%9F%92%A9.1", 400, "after"),
        ("before=k3f9.1", 400, "before"),
        ("after=k3f9.1", 410, None),
    ],
)
@run_async
async def test_feed_names_the_parameter_when_it_is_bad(
    tmp_path: Path, query: str, status: int, parameter: str | None
) -> None:
    async with serve_pole(tmp_path) as pole:
        answer = await pole.client.get(f"/v1/feeds/alerts?{query}", headers=pole.token())

        assert answer.status == status
        assert answer.content_type == PROBLEM
        assert (await answer.json()).get("parameter") == parameter


@run_async
async def test_feed_is_404_when_there_is_none_of_this_name(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        station = pole.token()
        for name in ("alert", "ALERTS", "head", "feed_alerts", "alerts%00", "%27;--"):
            for path in (f"/v1/feeds/{name}", f"/v1/feeds/{name}/statements"):
                assert (await pole.client.get(path, headers=station)).status == 404, path
            ack = await pole.client.post(f"/v1/feeds/{name}/ack", json={}, headers=station)
            assert ack.status == 404


@run_async
async def test_feed_says_where_to_go_on_when_a_cursor_leads_nowhere(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await write_five(pole)
        station, epoch = pole.token(), pole.log.epoch
        for cursor in (f"{epoch}.6", "0000000000.2", f"{epoch}.9999999999999999"):
            answer = await pole.client.get(f"/v1/feeds/measures?after={cursor}", headers=station)
            assert answer.status == 410, cursor
            oldest = (await answer.json())["oldest"]
            assert oldest == f"{epoch}.0"
            again = await pole.client.get(f"/v1/feeds/measures?after={oldest}", headers=station)
            assert len((await again.json())["items"]) == 5


def test_feed_begins_later_when_its_oldest_records_have_left(tmp_path: Path) -> None:
    asyncio.run(write_and_stop(tmp_path))
    with Records(tmp_path, CONFIG.pole, key=KEY, clock=SystemClock()) as records:
        assert records.evict("measures", up_to=2) == 2

    asyncio.run(read_what_is_left(tmp_path))


async def write_and_stop(folder: Path) -> None:
    async with serve_pole(folder) as pole:
        await write_five(pole)


async def read_what_is_left(folder: Path) -> None:
    async with serve_pole(folder) as pole:
        station, epoch = pole.token(), pole.log.epoch

        async def get(query: str) -> tuple[int, dict[str, Any]]:
            answer = await pole.client.get(f"/v1/feeds/measures{query}", headers=station)
            return answer.status, await answer.json()

        for gone in (0, 1):
            status, problem = await get(f"?after={epoch}.{gone}")
            assert status == 410
            assert problem["oldest"] == f"{epoch}.2"
        for query in ("", f"?after={epoch}.2"):
            status, page = await get(query)
            assert status == 200
            assert [record["seq"] for record in page["items"]] == [3, 4, 5]
            assert page["oldest"] == f"{epoch}.2"
        _, proof = await get("/statements")
        assert [item["seq"] for item in proof["items"] if item["kind"] == "checkpoint"] == [2]


@run_async
async def test_caller_for_one_camera_gets_its_records_only(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await write_five(pole)
        await pole.write("measures", "count", data={"of": "the pole itself"})
        guest = pole.token("guest", "read", cameras=("road",))

        page = await (await pole.client.get("/v1/feeds/measures", headers=guest)).json()
        assert [record["seq"] for record in page["items"]] == [2, 4]
        assert page["next"] == f"{pole.log.epoch}.6"
        assert page["more"] is False

        proof = await pole.client.get("/v1/feeds/measures/statements", headers=guest)
        assert proof.status == 403


@run_async
async def test_long_poll_answers_as_soon_as_a_record_is_there(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        station = pole.token()
        polls = [
            asyncio.ensure_future(pole.client.get("/v1/feeds/alerts?wait=60", headers=station))
            for _ in range(50)
        ]
        await wait_until(lambda: pole.app[TRAFFIC].connections == 50)
        await pole.open_alert()

        for answer in await asyncio.gather(*polls):
            assert [record["seq"] for record in (await answer.json())["items"]] == [1]


@run_async
async def test_long_poll_of_one_camera_sleeps_on_when_another_one_alerts(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        guest = pole.token("guest", "read", cameras=("road",))
        poll = asyncio.ensure_future(pole.client.get("/v1/feeds/alerts?wait=60", headers=guest))
        await pole.open_alert(camera="yard")
        done, _ = await asyncio.wait([poll], timeout=0.3)
        assert not done
        await pole.open_alert(camera="road")

        page = await (await poll).json()
        assert [record["camera"] for record in page["items"]] == ["road"]
        assert page["next"] == f"{pole.log.epoch}.2"


@run_async
async def test_long_poll_ends_with_an_empty_page_when_its_time_is_over(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await pole.open_alert()
        after = f"{pole.log.epoch}.1"
        answer = await pole.client.get(
            f"/v1/feeds/alerts?after={after}&wait=0.05", headers=pole.token()
        )

        page = await answer.json()
        assert answer.status == 200
        assert page["items"] == []
        assert page["next"] == after


@run_async
async def test_long_polls_end_at_once_when_the_server_stops(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        station = pole.token()
        poll = asyncio.ensure_future(pole.client.get("/v1/feeds/alerts?wait=60", headers=station))
        await pole.client.get("/v1/feeds/alerts", headers=station)  # so that it has been heard
        await pole.server.aclose()

        answer = await poll
        assert answer.status == 200
        assert (await answer.json())["items"] == []


@run_async
async def test_ack_counts_per_name_and_never_goes_back(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await write_five(pole)
        epoch, north, south = pole.log.epoch, pole.token("north"), pole.token("south")

        async def ack(upto: str, token: dict[str, str]) -> tuple[int, object]:
            answer = await pole.client.post(
                "/v1/feeds/measures/ack", json={"upto": upto}, headers=token
            )
            return answer.status, (await answer.json()).get("upto")

        assert await ack(f"{epoch}.4", north) == (200, f"{epoch}.4")
        assert await ack(f"{epoch}.2", north) == (200, f"{epoch}.4")
        assert await ack(f"{epoch}.1", south) == (200, f"{epoch}.1")
        assert await ack(f"{epoch}.6", south) == (409, None)
        assert await ack("0000000000.1", south) == (409, None)
        assert dict(await pole.log.acks("measures")) == {"north": 4, "south": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b'{"upto":1}', b'{"upto":"here"}', b'{"upto":null}',
        b'{"upto":"k3f9.1","also":1}', b'{"upto"', b"\xff\xfe", b"[" * 60_000, b"\x00",
    ],
)  # fmt: skip
@run_async
async def test_ack_is_refused_when_its_body_is_not_as_asked_for(
    tmp_path: Path, body: bytes
) -> None:
    async with serve_pole(tmp_path) as pole:
        headers = pole.token() | {"Content-Type": "application/json"}
        answer = await pole.client.post("/v1/feeds/alerts/ack", data=body, headers=headers)

        assert answer.status == 400
        assert answer.content_type == PROBLEM


@run_async
async def test_ack_is_refused_when_it_is_no_json_by_its_type(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        headers = pole.token() | {"Content-Type": "text/plain"}
        answer = await pole.client.post("/v1/feeds/alerts/ack", data=b"{}", headers=headers)

        assert answer.status == 415


@run_async
async def test_statements_are_signed_by_the_pole_when_an_alert_opened(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        await pole.open_alert()
        await pole.open_alert()
        station = pole.token()

        answer = await pole.client.get("/v1/feeds/alerts/statements", headers=station)
        page = await answer.json()
        items = page["items"]
        assert [(item["kind"], item["seq"]) for item in items] == [("head", 1), ("head", 2)]
        assert page["next"] == 2
        assert page["more"] is False
        for item in items:
            key, signature = item.pop("key"), item.pop("signature")
            check_signature(SignedStatement(Statement(**item), key, signature), KEY.public_key())

        later = await pole.client.get("/v1/feeds/alerts/statements?after=1", headers=station)
        assert [item["seq"] for item in (await later.json())["items"]] == [2]


@run_async
async def test_client_that_leaves_is_not_waited_for(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        station = pole.token()
        await pole.client.get("/v1/feeds/alerts", headers=station | {"Connection": "close"})
        await wait_until(lambda: not pole.app[TRAFFIC].connections)
        before = len(asyncio.all_tasks())
        with pytest.raises(TimeoutError):
            await pole.client.get(
                "/v1/feeds/alerts?wait=60", headers=station, timeout=ClientTimeout(total=0.2)
            )
        async with asyncio.timeout(20):  # well before the poll would end by itself
            await wait_until(lambda: len(asyncio.all_tasks()) <= before)
