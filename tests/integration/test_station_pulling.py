"""Real poles pulled over real sockets into a real store: once each, in order, whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.cli import main
from edge.feeds import FEEDS, Draft
from edge.station.config import PoleSite
from edge.station.store.schema import STORE_NAME
from tests.support.aio import run_async, wait_until
from tests.support.bad_pole import BadPole, bad_pole
from tests.support.pulling_station import PullingStation, pulling, read_clock, until
from tests.support.served_pole import ServedPole, serve_pole

pytestmark = pytest.mark.timeout(120)


def token_file(pole: ServedPole, folder: Path) -> str:
    """Make a token of a station, once; the path of its file."""
    path = folder / f"{pole.folder.name}.token"
    if path.exists():
        return str(path)
    header = pole.token("station", "read", "pictures", "ack")["Authorization"]
    path.write_text(header.removeprefix("Bearer "))
    path.chmod(0o600)
    return str(path)


@asynccontextmanager
async def standing(
    folder: Path, name: str, *, key: Ed25519PrivateKey | None = None, pole_id: str | None = None
) -> AsyncIterator[tuple[ServedPole, BadPole, PoleSite]]:
    """A pole with a door before it that can spoil its answers, and how a station names it."""
    (folder / name).mkdir(exist_ok=True)
    number = sum(name.encode())
    key = key or Ed25519PrivateKey.from_private_bytes(number.to_bytes(32))
    async with (
        serve_pole(folder / name, pole_id=pole_id or name, key=key) as pole,
        bad_pole(pole.address) as bad,
    ):
        yield pole, bad, PoleSite(name=name, url=bad.url, token_file=token_file(pole, folder))


def has_opened(station: PullingStation, pole: str, count: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return len(await station.opened(pole)) >= count

    return look


def has_own(station: PullingStation, *names: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return {name for name, _ in await station.own_alerts()}.issuperset(names)

    return look


@run_async
async def test_every_record_and_file_comes_once_and_is_acknowledged_when_all_is_well(
    tmp_path: Path,
) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, _, site),
        pulling(tmp_path / "s", "P1") as station,
    ):
        opened = [await pole.open_alert() for _ in range(3)]
        sha256 = await pole.keep_media(b"clip" * 1000, alert=opened[0])
        await pole.write("health", "start", data={"version": "1"})
        await station.pull(site)
        await until(has_opened(station, "P1", 3))
        opened.append(await pole.open_alert())
        await until(has_opened(station, "P1", 4))

        async def is_acked() -> bool:
            acks = {feed: await pole.log.acks(feed) for feed in FEEDS[:2]}
            return all(
                acked.get("station", 0) == pole.log.head(feed).seq for feed, acked in acks.items()
            )

        await until(is_acked)
        await wait_until(lambda: station.view("P1").state == "up")

        async def is_here() -> bool:
            return await station.store.find_media("P1", sha256) is not None

        await until(is_here)
        assert await station.opened("P1") == opened
        assert len(await station.arrivals("P1", "health")) == 1
        assert await station.own_alerts() == []
        assert station.troubles("P1") == set()


@run_async
async def test_nothing_is_acknowledged_before_it_is_on_disk_here(tmp_path: Path) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, _, site),
        pulling(tmp_path / "s", "P1") as station,
    ):
        await pole.open_alert()
        kept = [0]

        async def ack_is_behind() -> bool:
            acked = (await pole.log.acks("alerts")).get("station", 0)
            kept[0] = len(await station.arrivals("P1", "alerts"))
            assert acked <= kept[0]
            return acked == 5

        await station.pull(site)
        for _ in range(4):
            await pole.open_alert()
        await until(ack_is_behind)


@run_async
async def test_signed_heads_are_fetched_and_kept(tmp_path: Path) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, _, site),
        pulling(tmp_path / "s", "P1") as station,
    ):
        await pole.open_alert()
        await station.pull(site)

        async def is_signed() -> bool:
            return await station.store.signed_to("P1", "alerts") is not None

        await until(is_signed)
        assert await station.own_alerts() == []


@run_async
async def test_station_goes_on_where_it_was_when_either_side_is_started_anew(
    tmp_path: Path,
) -> None:
    async with standing(tmp_path, "P1") as (pole, bad, site):
        opened = [await pole.open_alert()]
        async with pulling(tmp_path / "s", "P1") as station:
            await station.pull(site)
            await until(has_opened(station, "P1", 1))
        opened.append(await pole.open_alert())
        async with pulling(tmp_path / "s", "P1") as station:
            await station.pull(site)
            await until(has_opened(station, "P1", 2))
            await pole.server.aclose()
            assert await station.opened("P1") == opened
    async with standing(tmp_path, "P1") as (pole, bad, site):
        opened.append(await pole.open_alert())
        async with pulling(tmp_path / "s", "P1") as station:
            await station.pull(site)
            await until(has_opened(station, "P1", 3))
            assert await station.opened("P1") == opened
            assert await station.own_alerts() == []
            assert bad.count("GET /v1/feeds/alerts?limit=200&after=") >= 1


@pytest.mark.parametrize(
    ("faults", "trouble"),
    [
        ({"status": 500}, None),
        ({"status": 401}, None),
        ({"redirect": "http://127.0.0.1:1/"}, None),
        ({"is_mute": True}, None),
        ({"is_endless": True}, None),
        ({"is_drip": True}, None),
        ({"hang_up_at": 3}, None),
        ({"is_compressed": True}, None),
        ({"wrong_types": True}, None),
        ({"status_at": ("/v1/feeds/alerts", 500)}, "feed alerts"),
        ({"status_at": ("/v1/feeds/audit", 500)}, "feed audit"),
        ({"stuck": True}, "feed alerts"),
    ],
)
def test_healthy_poles_go_on_and_the_bad_one_is_named_when_one_misbehaves(
    tmp_path: Path, faults: dict[str, Any], trouble: str | None
) -> None:
    names = ("BAD", "P1", "P2", "P3")

    @run_async
    async def run() -> None:
        async with AsyncExitStack() as stack:
            poles = {}
            station = await stack.enter_async_context(pulling(tmp_path / "s", *names))
            for name in names:
                poles[name] = await stack.enter_async_context(standing(tmp_path, name))
                await poles[name][0].open_alert()
            poles["BAD"][1].set(**faults)
            for _, _, site in poles.values():
                await station.pull(site)
            for name in names[1:]:
                await until(has_opened(station, name, 1))
                await poles[name][0].open_alert()
                await until(has_opened(station, name, 2))
            if trouble is not None:
                await wait_until(lambda: trouble in station.troubles("BAD"))
            else:
                await wait_until(lambda: station.has_failed("BAD"))
            poles["BAD"][1].heal()
            await until(has_opened(station, "BAD", 1))
            await wait_until(lambda: station.view("BAD").state == "up")
            await wait_until(lambda: trouble not in station.troubles("BAD"))
            for name in names:
                ids = [each["id"] for each in await station.arrivals(name)]
                assert len(ids) == len(set(ids))

    run()


@pytest.mark.parametrize(
    ("faults", "words", "count"),
    [
        ({"removed": 2}, "missing", 3),
        ({"changed": 2}, "was changed", 3),
        ({"swapped": 2}, "moved", 3),
        ({"forged": 2}, "replaced", 4),
    ],
)
def test_broken_chain_is_one_alert_of_the_station_and_the_pole_is_pulled_on(
    tmp_path: Path, faults: dict[str, int], words: str, count: int
) -> None:
    @run_async
    async def run() -> None:
        async with (
            standing(tmp_path, "P1") as (pole, bad, site),
            pulling(tmp_path / "s", "P1") as station,
        ):
            for _ in range(4):
                await pole.open_alert()
            bad.set(**faults)
            await station.pull(site)
            await until(has_own(station, "chain"))
            await until(has_opened(station, "P1", count))
            later = await pole.open_alert()
            await until(has_opened(station, "P1", count + 1))

            (data,) = [data for name, data in await station.own_alerts() if name == "chain"]
            assert (data["pole"], data["feed"]) == ("P1", "alerts")
            assert words in f"{data['first']} {data['detail']}"
            assert (await station.opened("P1"))[-1] == later
            assert "chain alerts" in station.troubles("P1")
            if is_forged:  # its pole has signed the true one
                await until(has_own(station, "fork"))

    is_forged = "forged" in faults
    run()
    assert main(["station", "verify", str(tmp_path / "s")]) == (1 if is_forged else 0)
    take_out(tmp_path / "s", pole="P1", seq=count + 1)
    assert main(["station", "verify", str(tmp_path / "s")]) == 1


def take_out(folder: Path, *, pole: str, seq: int) -> None:
    """Delete a record as somebody who has the disk."""
    connection = apsw.Connection(str(folder / STORE_NAME))
    connection.execute(
        "DELETE FROM record WHERE feed = 'alerts' AND seq = ?"
        " AND life IN (SELECT life FROM life WHERE pole = ?)",
        (seq, pole),
    )
    assert connection.changes() == 1
    connection.close()


@run_async
async def test_hole_is_a_new_alert_when_somebody_knows_of_the_one_before(tmp_path: Path) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, bad, site),
        pulling(tmp_path / "s", "P1") as station,
    ):
        for _ in range(3):
            await pole.open_alert()
        bad.set(removed=2)
        await station.pull(site)
        await until(has_own(station, "chain"))
        (first,) = [each for each in await station.arrivals("station") if each["rule"]]
        await station.store.say([make_ack(first)])
        bad.heal()
        bad.set(removed=4)
        for _ in range(2):
            await pole.open_alert()

        async def is_told_anew() -> bool:
            return len(await station.own_alerts()) == 2

        await until(is_told_anew)
        (_, (_, data)) = await station.own_alerts()
        assert data["breaks"] == [[4, 4]]


def make_ack(record: dict[str, Any]) -> Draft:
    """What somebody at the desk says of an alert of the station's own."""
    data: dict[str, Any] = {"pole": "station", "by": "chen"}
    clock, at_ms = read_clock(), 1_790_000_000_000
    alert = record["alert"]
    return Draft("alerts", "01S" + "0" * 23, "alert.ack", at_ms, clock, alert=alert, data=data)


@run_async
async def test_signature_that_is_not_the_poles_is_an_alert_of_the_station(tmp_path: Path) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, bad, site),
        pulling(tmp_path / "s", "P1") as station,
    ):
        await pole.open_alert()
        bad.set(forged_signatures=True)
        await station.pull(site)
        await until(has_own(station, "signature"))

        assert await station.store.signed_to("P1", "alerts") is None
        assert await station.opened("P1")


@run_async
async def test_clock_that_is_years_off_is_one_alert_and_ends_when_it_is_right(
    tmp_path: Path,
) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, bad, site),
        pulling(tmp_path / "s", "P1") as station,
    ):
        await pole.open_alert()
        bad.set(clock_ahead_s=-3 * 365 * 86_400 - 3600)
        await station.pull(site)
        await until(has_own(station, "clock"))
        await until(has_opened(station, "P1", 1))
        assert "1095 days behind" in (await station.own_alerts())[0][1]["detail"]
        bad.heal()
        await bad_link(bad)
        await wait_until(lambda: "clock" not in station.troubles("P1"))
        assert len(await station.own_alerts()) == 1


@run_async
async def test_times_are_trusted_again_when_a_clock_was_set_while_the_pole_is_pulled(
    tmp_path: Path,
) -> None:
    async with (
        standing(tmp_path, "P1") as (pole, bad, site),
        pulling(tmp_path / "s", "P1") as station,
    ):

        async def trust_of_next() -> str:
            count = len(await station.opened("P1"))
            alert = await pole.open_alert()
            await until(has_opened(station, "P1", count + 1))
            shown = msgspec.json.decode(await station.store.alert("P1", alert) or b"")
            return str(shown["trust"])

        bad.set(clock_ahead_s=3600)
        await station.pull(site)
        await until(has_own(station, "clock"))
        assert await trust_of_next() == "wrong"
        bad.heal()
        await wait_until(lambda: "clock" not in station.troubles("P1"))
        assert await trust_of_next() == "synced"


async def bad_link(bad: BadPole) -> None:
    """Have a station meet the pole again."""
    bad.set(status=500)
    before = len(bad.asked)
    await wait_until(lambda: len(bad.asked) > before)
    bad.heal()


@run_async
async def test_other_key_is_refused_and_nothing_of_it_is_taken_until_it_is_named(
    tmp_path: Path,
) -> None:
    async with standing(tmp_path, "P1") as (pole, bad, site):
        await pole.open_alert()
        async with pulling(tmp_path / "s", "P1") as station:
            await station.pull(site)
            await until(has_opened(station, "P1", 1))
        bad.set(other_key=True)
        await pole.open_alert()
        async with pulling(tmp_path / "s", "P1") as station:
            await station.pull(site)
            await until(has_own(station, "identity"))
            await wait_until(lambda: station.view("P1").state == "refused")
            assert "identity" in station.troubles("P1")
            assert len(await station.opened("P1")) == 1
            bad.heal()
            await until(has_opened(station, "P1", 2))
            assert station.troubles("P1") == set()
            assert len(await station.own_alerts()) == 1


@run_async
async def test_second_pole_of_one_id_is_not_pulled_and_both_are_named(tmp_path: Path) -> None:
    async with (
        standing(tmp_path, "P1") as (first, _, site),
        standing(tmp_path, "P2", pole_id="P1") as (second, _, twin),
        pulling(tmp_path / "s", "P1", "P2") as station,
    ):
        await first.open_alert()
        await second.open_alert()
        await station.pull(site)
        await until(has_opened(station, "P1", 1))
        await station.pull(twin)
        await until(has_own(station, "identity"))

        ((_, data),) = await station.own_alerts()
        assert (data["pole"], data["other"]) == ("P2", "P1")
        assert await station.opened("P2") == []
        assert station.view("P2").state == "refused"
        assert station.view("P1").state == "up"


@run_async
async def test_pole_with_a_new_log_is_told_once_and_pulled_from_its_beginning(
    tmp_path: Path,
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
    async with (
        pulling(tmp_path / "s", "P1") as station,
        standing(tmp_path, "P1", key=key) as (pole, bad, site),
    ):
        old = [await pole.open_alert() for _ in range(3)]
        await station.pull(site)
        await until(has_opened(station, "P1", 3))
        (tmp_path / "anew").mkdir()
        async with serve_pole(tmp_path / "anew", pole_id="P1", key=key) as fresh:
            shutil.copy(tmp_path / "P1/tokens.json", tmp_path / "anew/tokens.json")
            new = [await fresh.open_alert()]
            bad.upstream = fresh.address
            await pole.server.aclose()
            await until(has_opened(station, "P1", 4))
            new.append(await fresh.open_alert())
            await until(has_opened(station, "P1", 5))

            assert await station.opened("P1") == old + new
            ((name, data),) = await station.own_alerts()
            assert (name, data["pole"]) == ("chain", "P1")
            assert "begun another log" in data["detail"]
            assert "alerts after 3" in data["detail"]


@pytest.mark.parametrize("written_since", [0, 1, 4])
def test_log_that_was_put_back_is_a_fork_and_nothing_of_either_is_lost(
    tmp_path: Path, written_since: int
) -> None:
    """Shorter than what was pulled, as long, and longer already when it is met again."""

    @run_async
    async def run() -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
        (tmp_path / "P1").mkdir()
        async with serve_pole(tmp_path / "P1", pole_id="P1", key=key) as pole:
            token = token_file(pole, tmp_path)
            opened = [await pole.open_alert() for _ in range(5)]
        shutil.copytree(tmp_path / "P1", tmp_path / "old")
        async with pulling(tmp_path / "s", "P1") as station, AsyncExitStack() as stack:
            pole = await stack.enter_async_context(
                serve_pole(tmp_path / "P1", pole_id="P1", key=key)
            )
            bad = await stack.enter_async_context(bad_pole(pole.address))
            opened += [await pole.open_alert() for _ in range(2)]
            await station.pull(PoleSite(name="P1", url=bad.url, token_file=token))
            await until(has_opened(station, "P1", 7))
            back = await stack.enter_async_context(
                serve_pole(tmp_path / "old", pole_id="P1", key=key)
            )
            opened += [await back.open_alert() for _ in range(written_since)]
            bad.upstream = back.address
            await pole.server.aclose()
            await until(has_own(station, "fork"))
            opened.append(await back.open_alert())
            await until(has_opened(station, "P1", len(opened)))

            assert await station.opened("P1") == opened
            own = await station.own_alerts()
            assert {name for name, _ in own} == {"fork"}
            feeds = {data["feed"] for _, data in own}
            assert "alerts" in feeds, "told by what came or by what is signed"
            assert feeds <= {"alerts", "audit"}, "that it was pulled is on record there"

    run()
