"""The pole about itself, its metrics and page, and what goes into the audit feed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar, web
from yarl import URL

from edge.agent.api.app import ALL_ROUTES, make_app
from edge.agent.eyes.eye_lines import SightProof
from edge.agent.ports import EyeStatus
from edge.errors import StoreError
from edge.evidence import Sealed
from edge.feeds import Draft
from edge.model import Json
from edge.serving.audit import note_access
from edge.serving.door import Door
from edge.serving.routes import Route
from edge.serving.server import serve
from tests.support.aio import run_async
from tests.support.api_pole import Bench, ListLog

pytestmark = pytest.mark.timeout(120)

CONFIG = '[pole]\nid = "SG-017"\nname = "北门"\n'
SIGHT = SightProof(
    camera="road", t=1.0, at="2026-11-22T17:33:05.120Z", frames=1_234_567, distinct=900,
    decoded=80, inferences=7, awake=True, state="seeing", cpu_s=1.25, rss_mb=61.5,
)  # fmt: skip


class FullUpLog(ListLog):
    """Takes nothing more behind a bad disk."""

    async def append(self, drafts: Sequence[Draft]) -> list[Sealed]:
        raise StoreError("given up: too many records wait; see health")


async def picture(request: web.Request) -> web.Response:
    said: dict[str, Json] = {"from": "now\r\n\x1b[31m", "bytes": 7}
    await note_access(request, what="snapshot", camera="road", data=said)
    return web.Response(body=b"picture")


ROUTES = (*ALL_ROUTES, Route("GET", "/picture", picture, "pictures"))


def make_bench(folder: Path) -> Bench:
    bench = Bench(folder)
    now_ms = bench.clock.utc_ms()
    bench.eyes.set("road", EyeStatus("road", True, "seeing", now_ms, "", None, SIGHT, 0.1, 1.0))
    bench.eyes.set("yard", EyeStatus("yard", True, "lost", now_ms, "nobody answers", restarts=3))
    return bench


@asynccontextmanager
async def asking(
    bench: Bench, *scopes: str, cameras: tuple[str, ...] | None = None
) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {bench.token('desk', *scopes, cameras=cameras)}"}
    pole = replace(bench.pole(), config_text=CONFIG, config_folder=bench.folder)
    async with (
        serve(make_app(pole, ROUTES), Door("127.0.0.1:0")) as (address,),
        ClientSession(f"http://{address}", headers=headers, cookie_jar=DummyCookieJar()) as session,
    ):
        yield session


@run_async
async def test_pole_says_who_it_is_and_where_its_feeds_stand(tmp_path: Path) -> None:
    async with asking(make_bench(tmp_path), "read") as session, session.get("/v1/pole") as answer:
        said = await answer.json()
    assert list(said) == [
        "id", "name", "gbid", "position", "timezone", "version", "epoch", "begun_at", "at",
        "clock", "key", "tls", "cameras", "feeds",
    ]  # fmt: skip
    assert (said["id"], said["name"], said["epoch"]) == ("SG-017", "North gate", "k3f9")
    assert said["clock"] == {"state": "synced", "boot": "boot-1", "mono_ms": 0}
    assert said["key"]["id"] == "56475aa75463474c"
    assert said["key"]["pem"].startswith("-----BEGIN PUBLIC KEY-----\n")
    assert said["cameras"] == ["road", "yard"]
    assert said["feeds"]["alerts"] == {"head": 0, "hash": "0" * 64, "oldest": 1}
    assert set(said["feeds"]) == {"alerts", "media", "captures", "measures", "health", "audit"}


@run_async
async def test_caller_for_some_cameras_learns_of_no_other(tmp_path: Path) -> None:
    async with asking(make_bench(tmp_path), "read", cameras=("road",)) as session:
        async with session.get("/v1/pole") as answer:
            said = await answer.json()
            assert said["cameras"] == ["road"]
            assert said["feeds"]["alerts"]["hash"] is None
        async with session.get("/v1/health") as answer:
            assert answer.status == 503
            parts = (await answer.json())["parts"]
            assert [(part["kind"], part["name"]) for part in parts] == [
                ("camera", "road"), ("disk", "log"), ("access", "tokens"), ("clock", "system"),
            ]  # fmt: skip
        async with session.get("/metrics") as answer:
            text = await answer.text()
            assert 'camera="road"' in text
            assert "yard" not in text


@run_async
async def test_health_says_why_to_those_who_may_read(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    other = bench.token("other", "pictures")
    async with asking(bench, "read") as session:
        async with session.get("/v1/health") as answer:
            assert answer.status == 503
            said = await answer.json()
            assert (said["ok"], said["pole"], said["at"]) == (
                False, "SG-017", "2023-11-14T22:13:20.000Z",
            )  # fmt: skip
            yard = next(part for part in said["parts"] if part["name"] == "yard")
            assert (yard["ok"], yard["reason"]) == (False, "nobody answers")
        async with session.get("/v1/health", headers={"Authorization": f"Bearer {other}"}) as less:
            assert (less.status, await less.json()) == (503, {"ok": False})
        well = EyeStatus("yard", True, "seeing", 0, "", None, SIGHT, 0.1, 1.0)
        bench.eyes.set("yard", well)
        async with session.get("/v1/health") as answer:
            assert answer.status == 200
            assert (await answer.json())["ok"] is True


@run_async
async def test_metrics_are_open_metrics_text(tmp_path: Path) -> None:
    async with asking(make_bench(tmp_path), "read") as session:
        for path in ("/v1/nothing", "/v1/" + "x" * 500, "/v1/pole"):
            async with session.get(path):
                pass
        async with session.get("/metrics") as answer:
            assert answer.headers["Content-Type"] == (
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            )
            lines = (await answer.text()).split("\n")
    assert lines[-2:] == ["# EOF", ""]
    line = re.compile(r'# (TYPE|HELP) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.e+-]+')
    assert [each for each in lines[:-2] if not line.fullmatch(each)] == []
    assert {
        'polewatch_camera_up{camera="road"} 1',
        'polewatch_camera_up{camera="yard"} 0',
        'polewatch_camera_state{camera="yard",polewatch_camera_state="lost"} 1',
        'polewatch_camera_frames_total{camera="road"} 1234567',
        'polewatch_camera_inferences_total{camera="road"} 7',
        'polewatch_camera_cpu_seconds_total{camera="road"} 1.25',
        'polewatch_camera_rss_bytes{camera="road"} 61500000',
        'polewatch_camera_restarts_total{camera="yard"} 3',
        'polewatch_feed_head{feed="alerts"} 0',
        "polewatch_log_up 1",
        'polewatch_http_requests_total{route="/v1/pole",class="2xx"} 1',
        'polewatch_http_requests_total{route="unknown",class="4xx"} 2',
    } <= set(lines)


@run_async
async def test_configuration_is_given_as_it_was_loaded(tmp_path: Path) -> None:
    async with (
        asking(make_bench(tmp_path), "admin") as session,
        session.get("/v1/config") as answer,
    ):
        assert answer.content_type == "application/toml"
        assert await answer.text() == CONFIG


@run_async
async def test_configuration_is_checked_and_nothing_is_changed(tmp_path: Path) -> None:
    good = '[pole]\nid = "SG-018"\n'
    async with asking(make_bench(tmp_path), "admin") as session:

        async def check(text: str | bytes, kind: str = "application/toml") -> web.Response:
            async with session.post(
                "/v1/config/check", data=text, headers={"Content-Type": kind}
            ) as answer:
                return web.json_response(await answer.json(), status=answer.status)

        answer = await check(good)
        assert answer.text == '{"good": true, "faults": [], "warnings": []}'
        answer = await check("[pole]\nid = 3\nmore = 1\n[x", "text/plain")
        assert answer.text is not None
        assert '"path": "polewatch.toml end of document"' in answer.text
        assert str(tmp_path) not in answer.text
        answer = await check("[pole]\nid = 3\nmore = 1\n")
        assert answer.text is not None
        assert '"path": "pole.id"' in answer.text
        assert '"path": "pole.more"' in answer.text
        assert (await check(b"\xff")).status == 400
        assert (await check(good, "application/json")).status == 415
        assert (await check("x = " + "[" * 50_000)).status == 200
        assert (await check("")).status == 200
        async with session.get("/v1/config") as unchanged:
            assert await unchanged.text() == CONFIG


@run_async
async def test_page_is_served_to_everybody_and_from_memory(tmp_path: Path) -> None:
    async with asking(make_bench(tmp_path), "read") as session:
        bare = {"Authorization": ""}
        async with session.get("/", headers=bare) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert answer.headers["Cache-Control"] == "no-cache"
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            etag = answer.headers["ETag"]
            origin = str(answer.url.origin())
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            async with session.get("/", headers={"If-None-Match": known}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
        async with session.get("/", headers={"If-None-Match": '"other"'}) as answer:
            assert answer.status == 200
        async with session.get("/web/main.js") as answer:
            assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        for path in (
            "/web/", "/web/..", "/web/../app.py", "/web/%2e%2e%2fapi%2fapp.py", "/web/.",
            "/web//etc/passwd", "/web/%2fetc%2fpasswd", "/web/main.js%00", "/web/MAIN.JS",
            "/web/..%5c..%5capp.py", "/etc/passwd", "/web/__init__.py",
        ):  # fmt: skip
            async with session.get(URL(origin + path, encoded=True)) as answer:
                assert answer.status == 404, path


@run_async
async def test_access_to_a_picture_is_on_record_before_it_leaves(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with asking(bench, "pictures") as session, session.get("/picture") as answer:
        assert await answer.read() == b"picture"
    (draft,) = bench.log.of("access")
    assert (draft.feed, draft.camera) == ("audit", "road")
    assert draft.data == {
        "what": "snapshot", "from": "now\ufffd\ufffd\ufffd[31m", "bytes": 7,
        "by": "desk", "address": "127.0.0.1",
    }  # fmt: skip


@run_async
async def test_picture_leaves_and_the_record_waits_when_the_disk_takes_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench(tmp_path)
    bench.log.jam()
    async with asking(bench, "pictures") as session:
        asked = asyncio.ensure_future(session.get("/picture"))
        await asyncio.sleep(0)
        async with await asked as answer:
            assert await answer.read() == b"picture"
    assert len(bench.log.of("access")) == 1
    assert "wait for the disk" in caplog.text


@run_async
async def test_pictures_leave_and_the_server_stays_when_audit_records_are_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A bad disk behind which more waits than there is room for: alerts go before audit."""
    bench = make_bench(tmp_path)
    bench.log = FullUpLog()
    async with asking(bench, "pictures") as session:
        async with session.get("/picture") as answer:
            assert await answer.read() == b"picture"
        async with session.get("/picture", headers={"Authorization": "Bearer pw_x"}) as answer:
            assert answer.status == 401
    assert caplog.text.count("given up: too many records wait") == 2


@run_async
async def test_nothing_is_logged_or_answered_that_holds_a_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench(tmp_path)
    caplog.set_level("DEBUG")
    seen = []
    async with asking(bench) as session:
        token = session.headers["Authorization"].removeprefix("Bearer ")
        for path in ("/v1/pole", "/v1/health", "/metrics", "/v1/config", "/v1/session"):
            async with session.get(f"{path}?token={token}") as answer:
                seen.append(await answer.text())
        async with session.post("/v1/session", json={"token": token}) as answer:
            seen += [await answer.text(), str(answer.headers)]
        wrong = token[:-2] + "__"
        async with session.post("/v1/session", json={"token": wrong}) as answer:
            seen.append(await answer.text())
    seen += [caplog.text, repr(bench.log.drafts)]
    for text in seen:
        assert token not in text
        assert token[:-2] not in text
