"""docs/example_client.py against a pole, over a link that is cut, and killed in between."""

from __future__ import annotations

import ast
import asyncio
import os
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.evidence import open_seal, seal
from edge.feeds import Feed
from tests.repo.tree import CHECKOUT
from tests.support.aio import run_async
from tests.support.cutting_link import cutting_link
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)

CLIENT = CHECKOUT / "docs/example_client.py"
LINES_MAX = 60
"""Of code: without blank lines, imports and docstrings."""


async def start(address: str, folder: Path, token: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(CLIENT), f"http://{address}", str(folder),
        env={**os.environ, "TOKEN": token}, stderr=PIPE,
    )  # fmt: skip


@asynccontextmanager
async def pulling(pole: ServedPole, folder: Path, *, token: str = "") -> AsyncIterator[Process]:
    """The client at work on a good link."""
    process = await start(pole.address, folder, token or make_token(pole))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def make_token(pole: ServedPole, name: str = "integrator") -> str:
    return pole.token(name, "read", "pictures", "ack")["Authorization"].removeprefix("Bearer ")


async def bodies(pole: ServedPole, feed: Feed) -> bytes:
    page = await pole.log.page(feed, after=0, limit=1000, cameras=None)
    return b"".join(body + b"\n" for body in page.bodies)


async def is_done(pole: ServedPole, folder: Path, name: str = "integrator") -> bool:
    """Whether all is there, and acknowledged."""
    for feed in ("alerts", "media"):
        path = folder / f"{feed}.ndjson"
        if not path.exists() or path.read_bytes() != await bodies(pole, feed):
            return False
        if (await pole.log.acks(feed)).get(name) != pole.log.head(feed).seq:
            return False
    return True


async def fill(pole: ServedPole, alerts: int, file_bytes: int) -> dict[str, bytes]:
    chance = random.Random(alerts)
    files = {}
    for _ in range(alerts):
        alert = await pole.open_alert(camera="yard")
        content = chance.randbytes(file_bytes)
        files[await pole.keep_media(content, alert=alert)] = content
    return files


@run_async
async def test_everything_is_had_once_and_whole_when_link_and_client_are_cut(
    tmp_path: Path,
) -> None:
    """No connection lasts for a whole file, no process for a second; a file needs several."""
    folder, chance, kills = tmp_path / "pulled", random.Random(7), 0
    async with serve_pole(tmp_path) as pole:
        token = make_token(pole)
        files = await fill(pole, 12, 700_000)
        port = int(pole.address.rpartition(":")[2])
        async with cutting_link(port, most_bytes=500_000, seed=3) as link:
            while kills < 8 or link.cuts <= 10:  # the busier the machine, the less in each
                process = await start(link.address, folder, token)
                try:
                    await asyncio.wait_for(process.wait(), chance.uniform(0.3, 1.2))
                    raise AssertionError(await process.stderr.read())  # type: ignore[union-attr]
                except TimeoutError:
                    process.kill()
                    await process.wait()
                    kills += 1
                files |= await fill(pole, 1, 700_000)
            link.most_bytes = None
        async with pulling(pole, folder, token=token):
            while not await is_done(pole, folder):  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.05)
    assert {path.name: path.read_bytes() for path in folder.glob("?" * 64)} == files
    assert list(folder.glob("*.part")) == []


async def pull_all(pole: ServedPole, folder: Path, token: str) -> None:
    async with pulling(pole, folder, token=token):
        while not await is_done(pole, folder):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@run_async
async def test_torn_last_line_is_fetched_again(tmp_path: Path) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        token = make_token(pole)
        await fill(pole, 3, 10)
        await pull_all(pole, folder, token)
        with (folder / "alerts.ndjson").open("ab") as file:
            file.write(b'{"alert":"torn')
        await fill(pole, 1, 10)
        await pull_all(pole, folder, token)


@run_async
async def test_file_that_has_left_the_pole_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        gone, *_ = await fill(pole, 2, 1000)
        (tmp_path / "media" / gone[:2] / gone).unlink()
        await pull_all(pole, folder, make_token(pole))
    assert not (folder / gone).exists()


async def ends_with(pole: ServedPole, folder: Path, token: str) -> str:
    async with pulling(pole, folder, token=token) as process:
        assert process.stderr is not None
        said = await process.stderr.read()
        assert await process.wait() == 1
    return said.decode()


def spoil(line: bytes) -> bytes:
    return line.replace(b"major", b"minor")


def forge(line: bytes) -> bytes:
    """A record that is whole, and not the one that the pole went on from."""
    record = open_seal(line.rstrip())
    del record["hash"]
    return seal({**record, "severity": "minor"}).body + b"\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [(spoil, "alerts 2: was changed"), (forge, "alerts 3: was changed, or does")],
)
@run_async
async def test_record_that_was_changed_ends_it(
    tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        token = make_token(pole)
        await fill(pole, 2, 10)
        await pull_all(pole, folder, token)
        path = folder / "alerts.ndjson"
        *before, last = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(before) + change(last))
        await fill(pole, 1, 10)
        assert said in await ends_with(pole, folder, token)


@run_async
async def test_record_that_is_not_the_signed_one_ends_it(tmp_path: Path) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        token = make_token(pole)
        await fill(pole, 2, 10)
        await pull_all(pole, folder, token)
        path = folder / "alerts.ndjson"
        *before, last = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(before) + forge(last))
        assert "InvalidSignature" in await ends_with(pole, folder, token)


@run_async
async def test_signature_of_another_key_ends_it(tmp_path: Path) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        folder.mkdir()
        other = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"
        other += b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
        (folder / "pole.pem").write_bytes(other)
        await fill(pole, 1, 10)
        assert "InvalidSignature" in await ends_with(pole, folder, make_token(pole))
        assert await pole.log.acks("alerts") == {}


@run_async
async def test_file_that_is_not_what_was_recorded_ends_it(tmp_path: Path) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        folder.mkdir()
        (sha256,) = await fill(pole, 1, 1000)
        (folder / f"{sha256}.part").write_bytes(b"x" * 500)
        assert "not what was recorded" in await ends_with(pole, folder, make_token(pole))


@run_async
async def test_token_that_is_refused_is_told(tmp_path: Path) -> None:
    async with (
        serve_pole(tmp_path) as pole,
        pulling(pole, tmp_path / "pulled", token="pw_wrong") as process,
    ):
        assert process.stderr is not None
        assert b"401" in await process.stderr.readline()


@run_async
async def test_feed_that_the_pole_has_no_more_is_named_and_begun_anew_alone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "pulled"
    async with serve_pole(tmp_path) as pole:
        token = make_token(pole)
        await fill(pole, 2, 10)
        await pull_all(pole, folder, token)
        (folder / "media.ndjson").write_bytes(b'{"epoch":"0123456789","seq":1}\n')
        async with pulling(pole, folder, token=token) as process:
            assert process.stderr is not None
            assert await process.stderr.readline() == b"media: HTTP Error 410: Gone\n"
        (folder / "media.ndjson").unlink()
        await fill(pole, 1, 10)
        await pull_all(pole, folder, token)


@run_async
async def test_waits_double_while_nobody_answers(tmp_path: Path) -> None:
    """With jitter: 1 to 2 s, then 2 to 4 s."""
    tries: asyncio.Queue[float] = asyncio.Queue()

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.put_nowait(time.monotonic())
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        process = await start(f"{host}:{port}", tmp_path / "pulled", "pw_x")
        first, second, third = [await tries.get() for _ in range(3)]
        process.kill()
        await process.wait()
    assert 0.9 < second - first < third - second
    assert 1.9 < third - second < 10


def test_client_is_short_and_stands_alone() -> None:
    source = CLIENT.read_text(encoding="utf-8")
    tree = ast.parse(source)
    imports = [each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]
    left_out = {line for each in imports for line in range(each.lineno, each.end_lineno + 1)}  # type: ignore[operator]
    for each in ast.walk(tree):
        if isinstance(each, ast.Module | ast.FunctionDef) and ast.get_docstring(each):
            text = each.body[0]
            left_out |= set(range(text.lineno, (text.end_lineno or 0) + 1))
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and number not in left_out
    ]
    assert len(code) <= LINES_MAX
    names = {name.name for each in imports for name in each.names}
    modules = {getattr(each, "module", None) or "" for each in imports} | names
    assert not [name for name in modules if name.split(".")[0] in ("edge", "tests", "aiohttp")]
