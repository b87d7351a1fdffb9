"""Every route of the pole and of the station: what it leaves in the audit, no more and no less.

The tables below say it of each; a route that stands in none of them fails.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import ClientSession

from edge.agent.api.app import ALL_ROUTES as POLE_ROUTES
from edge.agent.api.context import POLE
from edge.feeds import Draft
from edge.model import KeptMedia
from edge.serving.routes import REASON, Public
from edge.station.api.app import ALL_ROUTES as STATION_ROUTES
from edge.station.ports.links import LiveAnswer
from tests.repo.tree import CHECKOUT
from tests.support.aio import run_async
from tests.support.api_pole import ALL_SCOPES
from tests.support.fake_eyes import FakeEyes
from tests.support.fragments import make_fragments
from tests.support.served_pole import ServedPole, serve_pole
from tests.support.station_bench import StationBench, asking, headers_of, token_of
from tests.support.still_links import CannedStream, StillLinks, make_view

pytestmark = pytest.mark.timeout(120)
WHY = "案 7:\x1b[31m who was there?"
WHY_KEPT = "案 7:\ufffd[31m who was there?"
Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """What asking a route leaves: a record of this kind that says `what`; None: nothing.

    `query` and `body` are what it is asked with; `{alert}`, `{hash}` and `{token}` are filled in.
    """

    kind: str | None = None
    what: str = ""
    query: str = ""
    body: str | None = None


PLAIN = Case()
POLE_CASES: Mapping[tuple[str, str], Case] = {
    ("GET", "/v1/feeds/{feed}"): Case("access", "feed"),
    ("GET", "/v1/feeds/{feed}/statements"): PLAIN,
    ("POST", "/v1/feeds/{feed}/ack"): Case("change", "feed.ack", body='{"upto":"{epoch}.1"}'),
    ("GET", "/v1/media/{sha256}"): Case("access", "media"),
    ("POST", "/v1/media/ack"): Case("change", "media.ack", body='{"sha256":["{hash}"]}'),
    ("GET", "/v1/alerts"): PLAIN,
    ("GET", "/v1/alerts/{id}"): PLAIN,
    ("POST", "/v1/alerts/{id}/ack"): Case("change", "alert.ack", body='{"note":"I go"}'),
    ("POST", "/v1/alerts/{id}/resolve"): Case(
        "change", "alert.resolve", body='{"verdict":"false"}'
    ),
    ("GET", "/v1/openapi.json"): PLAIN,
    ("POST", "/v1/session"): Case("login", body='{"token":"{token}"}'),
    ("GET", "/v1/session"): PLAIN,
    ("DELETE", "/v1/session"): PLAIN,  # by token: there is no session to end
    ("GET", "/v1/cameras"): PLAIN,
    ("GET", "/v1/cameras/{name}"): PLAIN,
    ("GET", "/v1/cameras/{name}/snapshot.jpg"): Case("access", "snapshot"),
    ("GET", "/v1/cameras/{name}/clip"): Case(
        "access", "clip", query="?from=2026-11-22T17:33:00Z&to=2026-11-22T17:33:05Z"
    ),
    ("GET", "/v1/cameras/{name}/live.mjpg"): Case("access", "live"),
    ("GET", "/v1/cameras/{name}/live.mp4"): Case("access", "live"),
    ("GET", "/v1/cameras/{name}/tracks"): PLAIN,
    ("GET", "/v1/pole"): PLAIN,
    ("GET", "/v1/health"): PLAIN,
    ("GET", "/v1/config"): Case("access", "config"),
    ("POST", "/v1/config/check"): PLAIN,
    ("GET", "/metrics"): PLAIN,
}
STATION_CASES: Mapping[tuple[str, str], Case] = {
    ("POST", "/v1/session"): Case("login", body='{"token":"{token}"}'),
    ("GET", "/v1/session"): PLAIN,
    ("DELETE", "/v1/session"): PLAIN,
    ("GET", "/v1/station"): PLAIN,
    ("GET", "/v1/health"): PLAIN,
    ("GET", "/v1/map"): PLAIN,
    ("GET", "/metrics"): PLAIN,
    ("GET", "/v1/alerts"): PLAIN,
    ("GET", "/v1/alerts/{pole}/{id}"): PLAIN,
    ("GET", "/v1/alerts/{pole}/{id}/records"): Case("access", "records"),
    ("POST", "/v1/alerts/{pole}/{id}/ack"): Case("change", "alert.ack", body="{}"),
    ("POST", "/v1/alerts/{pole}/{id}/note"): Case("change", "alert.note", body='{"text":"t"}'),
    ("POST", "/v1/alerts/{pole}/{id}/resolve"): Case(
        "change", "alert.resolve", body='{"verdict":"real"}'
    ),
    ("POST", "/v1/alerts/{pole}/{id}/hold"): Case("change", "alert.hold", body='{"case":"7"}'),
    ("POST", "/v1/seen"): Case(
        "change", "alert.seen", body='{"alerts":[{"pole":"SG-017","id":"{alert}"}]}'
    ),
    ("GET", "/v1/news"): PLAIN,
    ("GET", "/v1/poles"): PLAIN,
    ("GET", "/v1/poles/{pole}"): PLAIN,
    ("GET", "/v1/poles/{pole}/cameras"): PLAIN,
    ("GET", "/v1/poles/{pole}/cameras/{camera}/snapshot.jpg"): Case("access", "snapshot"),
    ("GET", "/v1/poles/{pole}/cameras/{camera}/live.mjpg"): Case("access", "live"),
    ("GET", "/v1/poles/{pole}/cameras/{camera}/live.mp4"): Case("access", "live"),
    ("GET", "/v1/poles/{pole}/cameras/{camera}/clip"): Case(
        "access", "clip", query="?from=2026-11-22T17:33:00Z&to=2026-11-22T17:33:05Z"
    ),
    ("GET", "/v1/media/{pole}/{sha256}"): Case("access", "media"),
    ("GET", "/v1/stats"): Case("access", "statistics by person", query="?by=person"),
    ("GET", "/v1/feed"): Case("access", "feed"),
    ("GET", "/v1/openapi.json"): PLAIN,
}


def described(path: str) -> set[tuple[str, str]]:
    """Every method and route of a description."""
    paths = json.loads((CHECKOUT / path).read_text(encoding="utf-8"))["paths"]
    methods = ("get", "post", "put", "delete", "patch")
    return {(m.upper(), p) for p, entry in paths.items() for m in entry if m in methods}


def test_every_route_is_in_the_tables() -> None:
    assert set(POLE_CASES) == described("edge/agent/api/openapi.json")
    assert set(STATION_CASES) == described("edge/station/api/openapi.json")


async def ask(
    session: ClientSession, row: tuple[tuple[str, str], Case], given: Mapping[str, str],
    *, headers: Mapping[str, str], nudge: Callable[[], None] = lambda: None,
) -> int:  # fmt: skip
    """Ask a route as its case says, until its answer has begun; its status."""
    (method, path), said = row
    body = said.body
    for name, value in given.items():
        path = path.replace(f"{{{name}}}", value)
        body = body.replace(f"{{{name}}}", value) if body is not None else None
    sent = {**headers, REASON: quote(WHY)}
    if body is not None:
        sent["Content-Type"] = "application/json"
    asking = asyncio.ensure_future(
        session.request(method, path + said.query, data=body, headers=sent)
    )
    while not (await asyncio.wait([asking], timeout=0.05))[0]:
        nudge()
    response = await asking
    response.close()
    return response.status


async def audit_of(pole: ServedPole, name: str) -> list[Record]:
    """What stands in the audit of one caller."""
    page = await pole.log.page("audit", after=0, limit=1000, cameras=None)
    records: list[Record] = [json.loads(body) for body in page.bodies]
    return [record for record in records if record["data"].get("by") == name]


@run_async
async def test_each_route_of_the_pole_leaves_what_the_table_says(tmp_path: Path) -> None:
    fragments = make_fragments("libx264")
    async with serve_pole(tmp_path) as pole:
        eyes = pole.app[POLE].eyes
        assert isinstance(eyes, FakeEyes)

        def nudge() -> None:
            eyes.show("yard", b"\xff\xd8 a picture") if any(
                view.form == "jpeg" for view in eyes.views
            ) else None
            eyes.send("yard", fragments, form="fragments")

        for number, (case, expected) in enumerate(POLE_CASES.items()):
            name = f"caller-{number}"
            headers = pole.token(name)
            alert = await pole.open_alert()
            digest = await pole.keep_media(b"clip %d" % number, alert=alert)
            given = {
                "feed": "alerts", "sha256": digest, "hash": digest, "id": alert, "name": "yard",
                "epoch": pole.log.epoch, "token": headers["Authorization"].split()[1],
            }  # fmt: skip
            status = await ask(pole.client, (case, expected), given, headers=headers, nudge=nudge)
            assert status in (200, 204), (case, status)
            records = await audit_of(pole, name)
            check(case, expected, [(each["kind"], each["data"]) for each in records])


def check(
    case: tuple[str, str], expected: Case, found: list[tuple[str, Mapping[str, Any]]]
) -> None:
    """See that there is exactly the record that was expected: who, from where, what for."""
    if expected.kind is None:
        assert found == [], case
        return
    ((kind, data),) = found
    assert (case, kind) == (case, expected.kind)
    assert data.get("what", "") == expected.what
    assert data["address"] == "127.0.0.1"
    assert data["reason"] == WHY_KEPT


@run_async
async def test_each_refusal_of_the_pole_is_on_record_and_many_are_one(tmp_path: Path) -> None:
    scoped = [route for route in POLE_ROUTES if not isinstance(route.needs, Public)]
    async with serve_pole(tmp_path) as pole:
        tokens = {
            scope: pole.token(f"no-{scope}", *(each for each in ALL_SCOPES if each != scope))
            for scope in ALL_SCOPES
        }
        for route in scoped:
            for _ in range(20):
                headers = {**tokens[str(route.needs)], REASON: quote(WHY)}
                async with pole.client.request(
                    route.method, re.sub(r"\{[^}]*\}", "road", route.path), headers=headers
                ) as got:
                    assert got.status == 403
        some = pole.token("one-camera", cameras=("road",))
        for path in ("/v1/cameras/yard/snapshot.jpg", "/v1/cameras/yard/clip"):
            async with pole.client.get(path, headers=some) as got:
                assert got.status == 404
        await pole.server.aclose()
        for scope in ALL_SCOPES:
            own = [each for each in scoped if each.needs == scope]
            told = [each["data"] for each in await audit_of(pole, f"no-{scope}")]
            assert {each["what"] for each in told} == {f"{r.method} {r.path}" for r in own}
            assert sum(each["count"] for each in told) == 20 * len(own)
            assert len(told) <= 2 * len(own), "the first at once, the rest by the end"
            for each in told:
                assert (each["result"], each["status"], each["reason"]) == (
                    "refused", 403, WHY_KEPT,
                )  # fmt: skip
                assert each["detail"].startswith(f"this token lacks the scope {scope}")
        hidden = [each["data"] for each in await audit_of(pole, "one-camera")]
        assert {(each["what"], each["status"]) for each in hidden} == {
            ("GET /v1/cameras/{name}/snapshot.jpg", 404), ("GET /v1/cameras/{name}/clip", 404),
        }  # fmt: skip


TYPES = {
    "": "application/json", "snapshot.jpg": "image/jpeg", "clip": "video/mp4",
    "live.mp4": "video/mp4", "live.mjpg": "multipart/x-mixed-replace; boundary=frame",
}  # fmt: skip


def answer(_pole: str, path: str, _query: Mapping[str, str]) -> CannedStream:
    kind = TYPES[path.rpartition("/")[2]]
    return CannedStream(LiveAnswer(200, {"Content-Type": kind}), (b'{"items":[]}',))


@run_async
async def test_each_route_of_the_station_leaves_what_the_table_says(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(b"clip")
    digest = hashlib.sha256(b"clip").hexdigest()
    for case, expected in STATION_CASES.items():
        views = {name: make_view(name) for name in ("SG-017", "SG-018")}
        bench = StationBench(links=StillLinks(views, answer=answer), geojson=b"{}")
        alert = bench.open_alert()
        kept = KeptMedia(digest, 4, "video/mp4", clip, frozenset({"yard"}))
        bench.store.add_file("SG-017", alert, kept)
        given = {
            "pole": "SG-017", "id": alert, "alert": alert, "camera": "yard", "sha256": digest,
            "token": token_of("li"),
        }  # fmt: skip
        async with asking(bench) as session:
            headers = headers_of("li")
            with suppress(aiohttp.ClientPayloadError):
                status = await ask(session, (case, expected), given, headers=headers)
            drafts = [draft for draft, _ in bench.store.said if draft.feed == "audit"]
            assert status in (200, 204), (case, status)
            check(case, expected, [(draft.kind, draft.data) for draft in drafts])
            if "{camera}" in case[1]:
                assert bench.links.reasons == [f"li: {WHY_KEPT}"], "the pole learns who looks"


def of_audit(bench: StationBench) -> list[Draft]:
    return [draft for draft, _ in bench.store.said if draft.feed == "audit"]


@run_async
async def test_refusals_of_the_station_are_on_record() -> None:
    scoped = [
        route for route in STATION_ROUTES
        if route.needs in ("ack", "admin")
    ]  # fmt: skip
    bench = StationBench()
    async with asking(bench) as session:
        for route in scoped:
            async with session.request(
                route.method, re.sub(r"\{[^}]*\}", "road", route.path), headers=headers_of("wang")
            ) as got:
                assert got.status == 403
    told = of_audit(bench)
    assert {draft.data["what"] for draft in told} == {f"{r.method} {r.path}" for r in scoped}
    assert {draft.data["by"] for draft in told} == {"wang"}


@run_async
async def test_signing_out_is_on_record(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        token = pole.token("desk")["Authorization"].split()[1]
        url = f"http://{pole.address}"
        jar = aiohttp.CookieJar(unsafe=True)
        async with ClientSession(url, cookie_jar=jar) as page:
            async with page.post("/v1/session", json={"token": token}) as answer:
                assert answer.status == 200
            for _ in range(2):
                async with page.delete("/v1/session", headers={"Origin": url}) as answer:
                    await answer.read()
        results = [each["data"]["result"] for each in await audit_of(pole, "desk")]
        assert results == ["session", "signed out"]
