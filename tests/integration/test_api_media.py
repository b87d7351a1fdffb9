"""Media over HTTP: whole, in parts, resumed, and never anything but what was recorded."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from pathlib import Path

import msgspec
import pytest

from tests.support.aio import run_async, wait_until
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)

CLIP = random.Random(7).randbytes(300_000)
FOREIGN = hashlib.sha256(b"of another pole").hexdigest()


async def keep_clip(pole: ServedPole, content: bytes = CLIP, **fields: str) -> str:
    sha256 = await pole.keep_media(content, alert=await pole.open_alert(), **fields)
    return f"/v1/media/{sha256}"


def path_of(folder: Path, href: str) -> Path:
    sha256 = href.rpartition("/")[2]
    return folder / "media" / sha256[:2] / sha256


@run_async
async def test_file_comes_whole_with_what_a_client_needs_to_check_it(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href = await keep_clip(pole)
        answer = await pole.client.get(href, headers=pole.token())

        assert answer.status == 200
        assert await answer.read() == CLIP
        sha256 = href.rpartition("/")[2]
        assert answer.headers["ETag"] == f'"{sha256}"'
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Content-Length"] == "300000"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Vary"] == "Authorization, Cookie"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"] == f'inline; filename="{sha256[:16]}.mp4"'
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
        assert answer.headers["Repr-Digest"].startswith("sha-256=:")


@run_async
async def test_head_says_the_same_and_sends_and_records_nothing(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href, desk = await keep_clip(pole), pole.token()
        answer = await pole.client.head(href, headers=desk | {"Range": "bytes=0-9"})

        assert answer.status == 200
        assert answer.headers["Content-Length"] == "300000"
        assert await answer.read() == b""
        assert pole.log.head("audit").seq == 0
        again = await pole.client.get(href, headers=desk)
        assert await again.read() == CLIP


@run_async
async def test_each_serving_is_on_record_before_its_bytes_leave(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href = await keep_clip(pole)
        await pole.client.get(href, headers=pole.token() | {"Range": "bytes=5-"})

        page = await pole.log.page("audit", after=0, limit=10, cameras=None)
        (record,) = [msgspec.json.decode(body) for body in page.bodies]
        assert record["kind"] == "access"
        assert record["camera"] == "yard"
        assert record["data"]["by"] == "desk"
        assert record["data"]["sha256"] == href.rpartition("/")[2]
        assert record["data"]["range"] == "bytes=5-"


@run_async
async def test_transfer_is_resumed_at_the_byte(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href, desk = await keep_clip(pole), pole.token()
        fetched = b""
        while len(fetched) < len(CLIP):
            headers = desk | {"Range": f"bytes={len(fetched)}-", "If-Range": f'"{href[-64:]}"'}
            answer = await pole.client.get(href, headers=headers)
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes {len(fetched)}-299999/300000"
            fetched += await answer.content.readexactly(min(99_991, len(CLIP) - len(fetched)))
            answer.close()

        assert fetched == CLIP


@run_async
async def test_several_ranges_come_as_parts(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href = await keep_clip(pole)
        answer = await pole.client.get(
            href, headers=pole.token() | {"Range": "bytes=-3, 10-19,15-29"}
        )

        assert answer.status == 206
        boundary = href[-64:-32]
        assert answer.headers["Content-Type"] == f"multipart/byteranges; boundary={boundary}"
        part = b"--" + boundary.encode() + b"\r\nContent-Type: video/mp4\r\nContent-Range: bytes "
        assert await answer.read() == (
            b"\r\n" + part + b"10-29/300000\r\n\r\n" + CLIP[10:30]
            + b"\r\n" + part + b"299997-299999/300000\r\n\r\n" + CLIP[-3:]
            + b"\r\n--" + boundary.encode() + b"--\r\n"
        )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=300000-", 416),
        ("bytes=-0", 416),
        ("bytes=9-2", 416),
        ("bytes=", 416),
        ("bytes=a-b", 416),
        ("bytes=0-1;2-3", 416),
        ("bytes=" + ",".join(f"{at}-{at}" for at in range(0, 20, 2)), 416),
        ("bytes=" + "0-," * 2000, 416),
        ("bytes=0-" + "9" * 5000, 206),
        ("bytes=" + "9" * 5000 + "-", 416),
        ("bytes=0-1,4-5,2-3", 206),
        ("lines=1-2", 200),
        ("bytes", 200),
    ],
)
@run_async
async def test_range_is_met_or_refused_by_the_standard(
    tmp_path: Path, asked: str, status: int
) -> None:
    async with serve_pole(tmp_path) as pole:
        href = await keep_clip(pole)
        answer = await pole.client.get(href, headers=pole.token() | {"Range": asked})

        assert answer.status == status
        if status == 416:
            assert answer.headers["Content-Range"] == "bytes */300000"
            assert answer.content_type == "application/problem+json"
        await answer.read()


@run_async
async def test_conditions_are_kept(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href, desk = await keep_clip(pole), pole.token()
        tag = f'"{href[-64:]}"'

        async def status(**headers: str) -> int:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return (await pole.client.get(href, headers=desk | named)).status

        assert await status(If_None_Match=tag) == 304
        assert await status(If_None_Match=f'W/{tag}, "x"') == 304
        assert await status(If_None_Match="*") == 304
        assert await status(If_None_Match='"x"') == 200
        assert await status(If_Match=tag) == 200
        assert await status(If_Match="*") == 200
        assert await status(If_Match=f"W/{tag}") == 412
        assert await status(If_Match='"x"') == 412
        assert await status(Range="bytes=0-1", If_Range=tag) == 206
        assert await status(Range="bytes=0-1", If_Range=f"W/{tag}") == 200
        assert await status(Range="bytes=0-1", If_Range="Sun, 22 Nov 2026 17:33:05 GMT") == 200
        assert await status(Range="bytes=900000-", If_Range='"x"') == 200


@run_async
async def test_view_from_a_browsers_cache_is_on_record(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href, desk = await keep_clip(pole), pole.token()
        known = desk | {"If-None-Match": f'"{href[-64:]}"'}
        assert (await pole.client.head(href, headers=known)).status == 304
        assert pole.log.head("audit").seq == 0
        assert (await pole.client.get(href, headers=known)).status == 304
        assert pole.log.head("audit").seq == 1


@run_async
async def test_file_is_unknown_alike_when_it_is_foreign_or_of_another_camera(
    tmp_path: Path,
) -> None:
    async with serve_pole(tmp_path) as pole:
        guest = pole.token("guest", "pictures", "ack", cameras=("road",))
        href = await keep_clip(pole, camera="yard")
        details = set()
        for path in (href, f"/v1/media/{FOREIGN}", href.upper().lower()[:-1]):
            answer = await pole.client.get(path, headers=guest)
            assert answer.status == 404
            details.add((await answer.json())["detail"])
        assert len(details) == 1
        own = await pole.keep_media(CLIP, alert=await pole.open_alert(camera="road"), camera="road")
        assert (await pole.client.get(f"/v1/media/{own}", headers=guest)).status == 200


@run_async
async def test_pictures_need_their_scope(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        href = await keep_clip(pole)
        answer = await pole.client.get(href, headers=pole.token("reader", "read"))

        assert answer.status == 403


TRAVERSALS = [
    step * depth + target
    for target in ("etc/passwd", "tokens.json", "log.db", "device.key")
    for depth in (1, 4)
    for step in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "%252e%252e%252f")
]


@run_async
async def test_nothing_else_is_given_when_a_path_climbs(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with serve_pole(tmp_path / "data") as pole:
        desk = pole.token()
        host, _, port = pole.address.partition(":")
        more = ["//etc/passwd", "....//etc/passwd", "a/../../tokens.json", "%00", FOREIGN + "%00"]
        for path in (*TRAVERSALS, *more):
            # By hand: a client's own library would tidy the path up.
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                f"GET /v1/media/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                f"Authorization: {desk['Authorization']}\r\n\r\n".encode()
            )
            answer = await reader.read()
            writer.close()
            assert answer.split(b" ")[1] in (b"404", b"400"), path


@run_async
async def test_file_is_not_served_when_it_is_not_what_was_recorded(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        desk = pole.token()
        for number, spoil in enumerate((cut, tip_a_bit, link_elsewhere, swap, link_the_folder)):
            href = await keep_clip(pole, CLIP + bytes([number]))
            spoil(path_of(tmp_path, href))
            answer = await pole.client.get(href, headers=desk)
            assert answer.status in (404, 503), spoil
            assert CLIP[:20] not in await answer.read()
        assert pole.log.head("audit").seq == 0


@run_async
async def test_file_is_looked_at_again_when_it_has_changed_since_it_was_served(
    tmp_path: Path,
) -> None:
    async with serve_pole(tmp_path) as pole:
        href, desk = await keep_clip(pole), pole.token()
        assert (await pole.client.get(href, headers=desk)).status == 200
        tip_a_bit(path_of(tmp_path, href))

        assert (await pole.client.get(href, headers=desk)).status == 503


def cut(path: Path) -> None:
    os.truncate(path, 1000)


def tip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[150_000] ^= 1
    path.write_bytes(content)


def link_elsewhere(path: Path) -> None:
    other = path.with_suffix(".other")
    path.rename(other)
    path.symlink_to(other)


def swap(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_the_folder(path: Path) -> None:
    other = path.parent.with_name("elsewhere")
    path.parent.rename(other)
    path.parent.symlink_to(other)


@run_async
async def test_nothing_is_left_open_when_clients_leave_in_the_middle(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with serve_pole(tmp_path) as pole:
        desk = pole.token()
        href = await keep_clip(pole, random.Random(8).randbytes(20_000_000))
        await (await pole.client.get(href, headers=desk)).read()
        before = open_files()
        for _ in range(30):
            answer = await pole.client.get(href, headers=desk)
            await answer.content.readany()
            answer.close()
        await wait_until(lambda: open_files() <= before)


@run_async
async def test_ack_gives_back_what_is_not_there_for_the_caller(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        station = pole.token("station")
        guest = pole.token("guest", "ack", cameras=("road",))
        known = (await keep_clip(pole))[-64:]
        for token, unknown in ((station, [FOREIGN]), (guest, [known, FOREIGN])):
            answer = await pole.client.post(
                "/v1/media/ack", json={"sha256": [known, FOREIGN]}, headers=token
            )
            assert answer.status == 200
            assert (await answer.json()) == {"unknown": unknown}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"sha256": "x"}, {"sha256": ["x"]}, {"sha256": [FOREIGN.upper()]}, {"sha256": [None]},
        {"sha256": [FOREIGN], "x": 1}, {"sha256": [FOREIGN] * 901}, [],
    ],
)  # fmt: skip
@run_async
async def test_ack_of_files_is_refused_when_it_is_not_as_asked_for(
    tmp_path: Path, body: object
) -> None:
    async with serve_pole(tmp_path) as pole:
        answer = await pole.client.post("/v1/media/ack", json=body, headers=pole.token())

        assert answer.status == 400
