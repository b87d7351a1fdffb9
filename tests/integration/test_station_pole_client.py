"""One pole's client against a real pole, and against one that misbehaves in every way it can."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from edge.errors import PoleError, PoleRefused, PoleUnreachable, PoleWrong
from edge.feeds import Cursor
from edge.serving.tls_identity import load_or_make_identity, make_tls_context
from edge.station.client_tls import ClientContexts
from edge.station.config import ClientTls, PoleSite
from edge.station.ports.vault import Word
from edge.station.pulling.answer import Limits
from edge.station.pulling.pole_client import INTERIM_MAX, HttpPoleClient
from edge.station.pulling.ports import CursorGone, FileGone, FileWrong, PoleBusy, WordRefused
from tests.support.aio import run_async
from tests.support.authorities import Authority
from tests.support.bad_pole import BadPole, bad_pole
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)
QUICK = Limits(connect_s=2, headers_s=0.5, wait_spare_s=0.5, answer_s=2, pace_s=0.5)
CLIP = bytes(range(256)) * 400


def write_token(pole: ServedPole, *scopes: str, cameras: tuple[str, ...] | None = None) -> Path:
    scopes = scopes or ("read", "pictures", "ack")
    header = pole.token("station", *scopes, cameras=cameras)["Authorization"]
    path = pole.folder / "station.token"
    path.write_text(header.removeprefix("Bearer ") + "\n")
    path.chmod(0o600)
    return path


def make_client(
    token: Path, url: str, *, ca: Path | None = None, own: ClientTls | None = None
) -> HttpPoleClient:
    site = PoleSite(name="P", url=url, token_file=str(token), ca=None if ca is None else str(ca))
    return HttpPoleClient(site, ClientContexts(own), QUICK)


@asynccontextmanager
async def asked(folder: Path) -> AsyncIterator[tuple[ServedPole, BadPole, HttpPoleClient]]:
    async with (
        serve_pole(folder) as pole,
        bad_pole(pole.address) as bad,
        make_client(write_token(pole), bad.url) as client,
    ):
        yield pole, bad, client


@run_async
async def test_client_gives_everything_that_a_station_asks_a_pole_for(tmp_path: Path) -> None:
    async with asked(tmp_path) as (pole, _, client):
        alert = await pole.open_alert()
        sha256 = await pole.keep_media(CLIP, alert=alert)

        who = await client.who()
        page = await client.page("alerts", after=None, limit=10, wait_s=0)
        signed, _, _ = await client.statements("alerts", after=0)
        await client.ack("alerts", page.next)
        await client.ack_media([sha256])
        await client.say(Word(1, "P", alert, "ack", {"note": "chen: on my way"}))

        assert (who.identity.pole_id, who.identity.token_name) == ("SG-017", "station")
        assert (who.epoch, who.heads["alerts"]) == (pole.log.epoch, 1)
        assert page.next == Cursor(who.epoch, 1)
        assert signed[0].statement.seq == 1
        assert (await client.health()).is_well
        assert await pole.log.acks("alerts") == {"station": 1}


@run_async
async def test_media_is_resumed_at_the_byte_when_the_first_part_is_there(tmp_path: Path) -> None:
    async with asked(tmp_path) as (pole, bad, client):
        sha256 = await pole.keep_media(CLIP, alert=await pole.open_alert())

        async with client.media(sha256, first=100_000, size_bytes=len(CLIP)) as chunks:
            rest = b"".join([chunk async for chunk in chunks])

        assert rest == CLIP[100_000:]
        assert bad.media_bytes == len(CLIP) - 100_000


@run_async
async def test_media_comes_from_the_byte_asked_for_when_the_pole_ignores_ranges(
    tmp_path: Path,
) -> None:
    async with asked(tmp_path) as (pole, bad, client):
        sha256 = await pole.keep_media(CLIP, alert=await pole.open_alert())
        bad.set(ignores_range=True)

        async with client.media(sha256, first=100_000, size_bytes=len(CLIP)) as chunks:
            rest = b"".join([chunk async for chunk in chunks])

        assert rest == CLIP[100_000:]


@run_async
async def test_media_is_named_gone_or_wrong_when_it_is(tmp_path: Path) -> None:
    async with asked(tmp_path) as (pole, bad, client):
        sha256 = await pole.keep_media(CLIP, alert=await pole.open_alert())

        with pytest.raises(FileGone):
            async with client.media("0" * 64, first=0, size_bytes=5):
                pass
        with pytest.raises(FileWrong, match="another length"):
            async with client.media(sha256, first=0, size_bytes=len(CLIP) + 1):
                pass
        bad.set(vanish_at=1000)
        with pytest.raises(PoleUnreachable):
            async with client.media(sha256, first=0, size_bytes=len(CLIP)) as chunks:
                assert len(b"".join([chunk async for chunk in chunks])) <= 1000
        with pytest.raises(FileGone):
            async with client.media(sha256, first=0, size_bytes=len(CLIP)):
                pass


@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        ({"status": 401}, PoleRefused, "token"),
        ({"status": 403}, PoleRefused, "does not allow"),
        ({"status": 421}, PoleRefused, "`url`"),
        ({"redirect": "http://127.0.0.1:9/"}, PoleRefused, "elsewhere"),
        ({"status": 500}, PoleWrong, "fails to answer"),
        ({"status": 404}, PoleWrong, "404"),
        ({"status": 429}, PoleBusy, "just now"),
        ({"is_mute": True}, PoleUnreachable, "in time"),
        ({"is_drip": True}, PoleUnreachable, "stalls"),
        ({"hang_up_at": 5}, PoleUnreachable, "hangs up"),
        ({"is_endless": True}, PoleWrong, "longer than"),
        ({"is_compressed": True}, PoleWrong, "compressed|gzip"),
        ({"wrong_types": True}, PoleWrong, "as a pole gives it"),
    ],
)
def test_every_question_ends_with_a_named_error_when_the_pole_misbehaves(
    tmp_path: Path, faults: dict[str, Any], error: type[PoleError], words: str
) -> None:
    @run_async
    async def ask() -> None:
        async with asked(tmp_path) as (pole, bad, client):
            await pole.open_alert()
            bad.set(**faults)
            for question in (
                lambda: client.page("alerts", after=None, limit=10, wait_s=0),
                client.who,
                lambda: client.statements("alerts", after=0),
            ):
                with pytest.raises(error, match=words):
                    await question()
            bad.heal()
            assert (await client.who()).identity.pole_id == "SG-017"

    ask()


@run_async
async def test_cursor_of_another_life_is_told_with_the_place_to_go_on(tmp_path: Path) -> None:
    async with asked(tmp_path) as (pole, _, client):
        with pytest.raises(CursorGone) as caught:
            await client.page("alerts", after=Cursor("0ther", 7), limit=10, wait_s=0)
        with pytest.raises(CursorGone):
            await client.ack("alerts", Cursor(pole.log.epoch, 7))

        assert caught.value.oldest == Cursor(pole.log.epoch, 0)


@run_async
async def test_word_is_refused_for_good_when_the_pole_has_no_such_alert(tmp_path: Path) -> None:
    async with asked(tmp_path) as (pole, _, client):
        with pytest.raises(WordRefused):
            await client.say(Word(1, "P", pole.make_id(), "resolve", {"verdict": "false"}))


@pytest.mark.parametrize(
    ("scopes", "cameras", "words"),
    [
        (("read", "ack"), None, "lacks pictures"),
        (("read", "pictures", "ack"), ("yard",), "for some cameras"),
    ],
)
def test_token_is_refused_when_it_is_not_enough_for_a_station(
    tmp_path: Path, scopes: tuple[str, ...], cameras: tuple[str, ...] | None, words: str
) -> None:
    @run_async
    async def ask() -> None:
        async with serve_pole(tmp_path) as pole:
            token = write_token(pole, *scopes, cameras=cameras)
            async with make_client(token, f"http://{pole.address}") as client:
                with pytest.raises(PoleRefused, match=words):
                    await client.who()

    ask()


@run_async
async def test_token_is_read_again_when_its_file_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve_pole(tmp_path) as pole:
        token = write_token(pole)
        right = token.read_text()
        token.write_text("pw_of-another-pole")
        async with make_client(token, f"http://{pole.address}") as client:
            with pytest.raises(PoleRefused, match="token"):
                await client.who()
            token.write_text(right)
            assert (await client.who()).identity.token_name == "station"
            token.chmod(0o644)
            for _ in range(2):
                assert (await client.who()).identity.token_name == "station"
            (said,) = [each for each in caplog.messages if "others" in each]
            assert said.startswith(f"token open to others: {token}: can be read by others (mode")
            assert right.strip() not in caplog.text
            token.unlink()
            with pytest.raises(PoleRefused, match="can't be read"):
                await client.who()


@run_async
async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    async with serve_pole(tmp_path) as pole:
        token = write_token(pole)
        async with bad_pole(pole.address) as bad:
            gone = bad.url
        async with make_client(token, gone) as client:
            with pytest.raises(PoleUnreachable, match="refused"):
                await client.who()


@asynccontextmanager
async def speaking(answer: bytes, *, is_endless: bool = False) -> AsyncIterator[str]:
    """Give the address of somebody who answers everything with this, once or without end."""

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
                while is_endless:
                    writer.write(answer)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_all, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@run_async
async def test_interim_answers_without_end_are_no_pole(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("pw_x")
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000
    async with speaking(hints, is_endless=True) as url, make_client(token, url) as client:
        with pytest.raises(PoleWrong, match="does not speak HTTP as a pole does"):
            await client.health()


@run_async
async def test_a_few_interim_answers_are_passed_over_before_each_one_that_counts(
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("pw_x")
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n" * INTERIM_MAX
    body = b'{"ok":true,"parts":[]}'
    good = hints + b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with speaking(good) as url, make_client(token, url) as client:
        for _ in range(3):
            assert (await client.health()).is_well


@asynccontextmanager
async def over_tls(
    folder: Path, station_ca: Path | None = None
) -> AsyncIterator[tuple[Path, BadPole, Path]]:
    """A pole behind TLS with its own certificate: the token's file, its door, the certificate."""
    identity = load_or_make_identity(folder / "tls", "SG-017", ["pole.example"])
    tls: ssl.SSLContext = make_tls_context(identity, station_ca)
    async with serve_pole(folder / "data") as pole, bad_pole(pole.address, tls=tls) as bad:
        yield write_token(pole), bad, identity.certificate_path


@run_async
async def test_pinned_certificate_counts_under_any_name_and_no_other_one_does(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    async with over_tls(tmp_path) as (token, bad, certificate):
        other = load_or_make_identity(tmp_path / "other", "SG-017", ["127.0.0.1"])
        authority = Authority(tmp_path, "nobodys")

        async with make_client(token, bad.url, ca=certificate) as client:
            assert (await client.who()).identity.pole_id == "SG-017"
        asked_before = len(bad.asked)
        for ca in (other.certificate_path, authority.path, None):
            async with make_client(token, bad.url, ca=ca) as client:
                with pytest.raises(PoleRefused, match="certificate") as caught:
                    await client.who()
                assert "SSL:" not in str(caught.value), "in words for people"

        assert len(bad.asked) == asked_before, "not a byte of a request may leave"


@run_async
async def test_certificate_of_the_stations_ca_is_shown_when_a_pole_asks_for_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    authority = Authority(tmp_path, "police")
    pair = authority.issue("station")
    own = ClientTls(certificate=str(pair.certificate_path), key=str(pair.key_path))
    async with over_tls(tmp_path, station_ca=authority.path) as (token, bad, certificate):
        async with make_client(token, bad.url, ca=certificate, own=own) as client:
            assert (await client.who()).identity.pole_id == "SG-017"
        async with make_client(token, bad.url, ca=certificate) as client:
            with pytest.raises(PoleError, match="station_ca"):
                await client.who()


@run_async
async def test_wrong_scheme_is_named_when_tls_meets_plain_http(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with over_tls(tmp_path) as (token, bad, certificate), bad_pole(bad.upstream) as plain:
        async with make_client(token, f"https://{plain.address}", ca=certificate) as client:
            with pytest.raises(PoleRefused, match="http://"):
                await client.who()
        async with make_client(token, f"http://{bad.address}") as client:
            with pytest.raises(PoleError):
                await client.who()
