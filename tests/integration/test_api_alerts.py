"""Alerts over HTTP: lists, acks and verdicts, on a real log over a real socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from edge.agent.log.log_file import LOG_NAME
from tests.support.aio import run_async, wait_until
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)

UNKNOWN = "01JDAAAAAAAAAAAAAAAAAAAAAA"


async def records_of(pole: ServedPole, kind: str) -> list[dict[str, Any]]:
    page = await pole.log.page("alerts", after=0, limit=1000, cameras=None)
    records = [msgspec.json.decode(body) for body in page.bodies]
    return [record for record in records if record["kind"] == kind]


@run_async
async def test_alerts_are_listed_worst_first_page_by_page(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        desk = pole.token()
        minor = await pole.open_alert(severity="minor")
        critical = await pole.open_alert(severity="critical")
        major = await pole.open_alert(severity="major")

        first = await (await pole.client.get("/v1/alerts?limit=2", headers=desk)).json()
        assert [item["id"] for item in first["items"]] == [critical, major]
        assert first["more"] is True
        rest = await pole.client.get(f"/v1/alerts?limit=2&after={first['next']}", headers=desk)
        page = await rest.json()
        assert [item["id"] for item in page["items"]] == [minor]
        assert page["more"] is False
        assert page["next"] is None


@run_async
async def test_alert_that_the_disk_does_not_take_is_shown_and_marked(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        desk, yard = pole.token(), pole.token("hall", cameras=("hall",))
        kept = await pole.open_alert(severity="critical")
        other = apsw.Connection(str(pole.folder / LOG_NAME))
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(pole.open_alert(severity="minor"))
        try:
            await wait_until(lambda: pole.log.fault is not None)
            page = await (await pole.client.get("/v1/alerts", headers=desk)).json()
            first, second = page["items"]
            assert (first["kept"], first["severity"], first["state"]) == (False, "minor", "open")
            assert (second["id"], "kept" in second) == (kept, False)
            alone = await (await pole.client.get("/v1/alerts", headers=yard)).json()
            assert alone["items"] == []
        finally:
            other.close()
        alert = await waiting
        page = await (await pole.client.get("/v1/alerts", headers=desk)).json()
        assert [(each["id"], "kept" in each) for each in page["items"]] == [
            (kept, False), (alert, False),
        ]  # fmt: skip


@run_async
async def test_list_shows_a_change_as_soon_as_it_is_written(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        desk = pole.token()
        alert = await pole.open_alert()
        for _ in range(2):
            page = await (await pole.client.get("/v1/alerts", headers=desk)).json()
            assert page["items"][0]["media"] == []

        sha256 = await pole.keep_media(b"clip", alert=alert)
        page = await (await pole.client.get("/v1/alerts", headers=desk)).json()
        assert page["items"][0]["media"][0]["href"] == f"/v1/media/{sha256}"

        await pole.client.post(f"/v1/alerts/{alert}/ack", headers=desk)
        page = await (await pole.client.get("/v1/alerts", headers=desk)).json()
        assert page["items"][0]["acked"]["by"] == "desk"


@run_async
async def test_alert_leaves_the_open_list_when_it_is_closed_and_resolved(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        desk = pole.token()
        alert = await pole.open_alert()
        verdict = {"verdict": "real", "note": "guard sent"}
        resolved = await pole.client.post(f"/v1/alerts/{alert}/resolve", json=verdict, headers=desk)
        assert (await resolved.json())["state"] == "open"
        await pole.write("alerts", "alert.close", camera="yard", alert=alert, severity="major")

        open_ones = await (await pole.client.get("/v1/alerts", headers=desk)).json()
        assert open_ones["items"] == []
        all_of_them = await (await pole.client.get("/v1/alerts?state=all", headers=desk)).json()
        assert all_of_them["items"][0]["resolved"]["note"] == "guard sent"


@run_async
async def test_ack_writes_one_record_when_it_is_said_twice(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        desk, other = pole.token(), pole.token("other")
        alert = await pole.open_alert()
        said = await asyncio.gather(
            *(
                pole.client.post(f"/v1/alerts/{alert}/ack", json={"note": "seen"}, headers=desk)
                for _ in range(8)
            )
        )
        assert {answer.status for answer in said} == {200}
        later = await pole.client.post(f"/v1/alerts/{alert}/ack", headers=other)
        assert (await later.json())["acked"]["by"] == "desk"

        (record,) = await records_of(pole, "alert.ack")
        assert record["data"] == {"by": "desk", "note": "seen"}
        assert record["alert"] == alert
        assert record["camera"] == "yard"


@run_async
async def test_resolve_writes_a_record_when_the_verdict_or_the_note_is_another(
    tmp_path: Path,
) -> None:
    async with serve_pole(tmp_path) as pole:
        desk = pole.token()
        alert = await pole.open_alert()
        for verdict in (
            {"verdict": "false"},
            {"verdict": "false"},
            {"verdict": "real"},
            {"verdict": "real", "note": "two men, 警察 told"},
            {"verdict": "real", "note": "two men, 警察 told"},
            {"verdict": "real"},
        ):
            answer = await pole.client.post(
                f"/v1/alerts/{alert}/resolve", json=verdict, headers=desk
            )
            assert answer.status == 200
            assert (await answer.json())["resolved"]["verdict"] == verdict["verdict"]

        said = [record["data"] for record in await records_of(pole, "alert.resolve")]
        assert said == [
            {"by": "desk", "note": None, "verdict": "false"},
            {"by": "desk", "note": None, "verdict": "real"},
            {"by": "desk", "note": "two men, 警察 told", "verdict": "real"},
        ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ack", {"note": "x" * 501}),
        ("ack", {"note": "a\r\nb"}),
        ("ack", {"note": "\x1b[2J"}),
        ("ack", {"note": "\u202egnp.exe"}),
        ("ack", {"note": "\x00"}),
        ("ack", {"note": 5}),
        ("ack", {"by": "somebody else"}),
        ("resolve", {}),
        ("resolve", {"verdict": "maybe"}),
        ("resolve", {"verdict": None}),
        ("resolve", {"verdict": "real", "more": True}),
        ("resolve", []),
    ],
)
@run_async
async def test_words_are_refused_when_they_are_not_as_asked_for(
    tmp_path: Path, path: str, body: object
) -> None:
    async with serve_pole(tmp_path) as pole:
        alert = await pole.open_alert()
        answer = await pole.client.post(
            f"/v1/alerts/{alert}/{path}", json=body, headers=pole.token()
        )

        assert answer.status == 400
        assert answer.content_type == "application/problem+json"
        assert pole.log.head("alerts").seq == 1


@run_async
async def test_alert_is_unknown_alike_when_it_is_of_another_camera_or_not_there(
    tmp_path: Path,
) -> None:
    async with serve_pole(tmp_path) as pole:
        guest = pole.token("guest", "read", "ack", cameras=("road",))
        alert = await pole.open_alert(camera="yard")
        of_pole = await pole.open_alert(camera=None)
        details = set()
        for name in (alert, of_pole, UNKNOWN, "x", "..%2f..", alert.lower()):
            for method, path in (("GET", ""), ("POST", "/ack")):
                answer = await pole.client.request(
                    method, f"/v1/alerts/{name}{path}", headers=guest
                )
                assert answer.status == 404, (method, name)
                details.add((await answer.json())["detail"])
        assert len(details) == 1
        page = await (await pole.client.get("/v1/alerts", headers=guest)).json()
        assert page["items"] == []
        behind = await pole.client.get(f"/v1/alerts?after={alert}", headers=guest)
        assert behind.status == 410
        assert await records_of(pole, "alert.ack") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("state=closed", "state"),
        ("state=", "state"),
        ("limit=-1", "limit"),
        ("after=1", "after"),
        ("camera=yard", "camera"),
    ],
)
@run_async
async def test_list_names_the_parameter_when_it_is_bad(
    tmp_path: Path, query: str, parameter: str
) -> None:
    async with serve_pole(tmp_path) as pole:
        answer = await pole.client.get(f"/v1/alerts?{query}", headers=pole.token())

        assert answer.status == 400
        assert (await answer.json())["parameter"] == parameter


@run_async
async def test_words_need_the_scope_ack(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        reader = pole.token("reader", "read")
        alert = await pole.open_alert()
        for path in ("ack", "resolve"):
            answer = await pole.client.post(f"/v1/alerts/{alert}/{path}", headers=reader)
            assert answer.status == 403
