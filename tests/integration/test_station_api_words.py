"""What people at a desk say of alerts: what counts, what is passed on, what is refused."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from edge.model import KeptMedia
from tests.support.aio import run_async, wait_until
from tests.support.station_bench import STATION, StationBench, asking, headers_of

pytestmark = pytest.mark.timeout(120)


async def say(
    session: ClientSession, alert: str, what: str, body: Any, *, person: str = "chen"
) -> tuple[int, dict[str, Any]]:
    """`alert` is an id of pole SG-017, or POLE/ID."""
    where = alert if "/" in alert else f"SG-017/{alert}"
    path = f"/v1/alerts/{where}/{what}"
    async with session.post(path, json=body, headers=headers_of(person)) as answer:
        return answer.status, await answer.json()


@run_async
async def test_ack_counts_once_is_the_persons_and_is_passed_on() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        status, shown = await say(session, alert, "ack", {"note": "patrol 3 goes"})
        assert (status, shown["acked"]["by"]) == (200, "chen")
        status, again = await say(session, alert, "ack", {}, person="li")
        assert (status, again["acked"]["by"]) == (200, "chen")
    ((draft, is_passed_on),) = [each for each in bench.store.said if each[0].kind == "alert.ack"]
    assert is_passed_on
    assert (draft.alert, draft.camera) == (alert, "yard")
    assert dict(draft.data) == {"pole": "SG-017", "by": "chen", "note": "patrol 3 goes"}
    assert bench.links.nudged == ["SG-017"]


@run_async
async def test_note_of_a_second_ack_is_not_lost() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        await say(session, alert, "ack", {})
        _, shown = await say(session, alert, "ack", {"note": "I go too"}, person="li")
    assert [(note["by"], note["text"]) for note in shown["notes"]] == [("li", "I go too")]


@run_async
async def test_two_who_ack_at_once_make_one_record() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        answers = await asyncio.gather(
            *(say(session, alert, "ack", {}, person=each) for each in ("chen", "li") * 10)
        )
    assert {status for status, _ in answers} == {200}
    assert len({shown["acked"]["by"] for _, shown in answers}) == 1
    assert len(bench.store.of("alert.ack")) == 1


@run_async
async def test_verdict_counts_when_it_says_more() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    bodies = ({"verdict": "false", "note": "a cat"}, {"verdict": "false"}, {"verdict": "real"})
    async with asking(bench) as session:
        for body in bodies:
            _, shown = await say(session, alert, "resolve", body)
    assert shown["resolved"]["verdict"] == "real"
    assert [draft.data["verdict"] for draft in bench.store.of("alert.resolve")] == ["false", "real"]


@run_async
async def test_own_alert_of_the_station_is_passed_on_to_nobody() -> None:
    bench = StationBench()
    alert = bench.open_alert(STATION, camera=None, rule={"type": "station", "name": "silent"})
    async with asking(bench) as session:
        status, shown = await say(session, f"{STATION}/{alert}", "ack", {})
    assert (status, shown["acked"]["by"]) == (200, "chen")
    assert not any(is_passed_on for _, is_passed_on in bench.store.said)
    assert bench.links.nudged == []


@run_async
async def test_alert_of_a_pole_that_is_pulled_no_longer_is_answered_as_any_other(
    tmp_path: Path,
) -> None:
    """Else it would sound for ever, and its clip could be shown to nobody."""
    bench = StationBench()
    alert = bench.open_alert(pole="SG-099")
    path = tmp_path / "clip"
    path.write_bytes(b"clip")
    sha256 = hashlib.sha256(b"clip").hexdigest()
    kept = KeptMedia(sha256, 4, "video/mp4", path, frozenset({"yard"}))
    bench.store.add_file("SG-099", alert, kept)
    async with asking(bench) as session:
        status, shown = await say(session, f"SG-099/{alert}", "ack", {})
        assert (status, shown["acked"]["by"]) == (200, "chen")
        status, _ = await say(session, f"SG-099/{alert}", "resolve", {"verdict": "real"})
        assert status == 200
        for where in (f"alerts/SG-099/{alert}/records", f"media/SG-099/{sha256}"):
            async with session.get(f"/v1/{where}", headers=headers_of("li")) as answer:
                assert answer.status == 200
    assert bench.links.nudged == []


@run_async
async def test_hold_is_for_supervisors_and_ends_with_null() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        assert (await say(session, alert, "hold", {"case": "2026-17"}))[0] == 403
        _, shown = await say(session, alert, "hold", {"case": "2026-17"}, person="li")
        assert (shown["hold"]["text"], shown["hold"]["by"]) == ("2026-17", "li")
        await say(session, alert, "hold", {"case": "2026-17"}, person="li")
        _, shown = await say(session, alert, "hold", {"case": None}, person="li")
        assert shown["hold"] is None
        assert (await say(session, alert, "hold", {"case": " "}, person="li"))[0] == 400
        assert (await say(session, alert, "hold", {}, person="li"))[0] == 400
    assert [draft.data["case"] for draft in bench.store.of("alert.hold")] == ["2026-17", None]


@run_async
async def test_seen_counts_once_for_each_alert_that_is_there() -> None:
    bench = StationBench()
    one, other = bench.open_alert(), bench.open_alert("SG-018")
    named = (
        ("SG-017", one), ("SG-018", other), ("SG-017", one), ("SG-017", other), ("SG-999", other),
        ("SG-017", "nothing"),
    )  # fmt: skip
    body = {"alerts": [{"pole": pole, "id": alert} for pole, alert in named]}
    async with asking(bench) as session:
        counts = []
        for person in ("chen", "li"):
            async with session.post("/v1/seen", json=body, headers=headers_of(person)) as answer:
                counts.append((answer.status, (await answer.json())["noted"]))
        too_many = {"alerts": [{"pole": "SG-017", "id": "x"}] * 101}
        async with session.post("/v1/seen", json=too_many, headers=headers_of("chen")) as answer:
            assert answer.status == 400
    assert counts == [(200, 2), (200, 0)]
    assert {draft.data["by"] for draft in bench.store.of("alert.seen")} == {"chen"}


HOSTILE = (
    "line\nbreak", "\x1b[31mred", "null\x00", "\u202eturned", "a" * 501, "\ud800", "\u2028",
    "\x7f", "\x9b2J",
)  # fmt: skip


@run_async
async def test_text_that_could_do_more_than_be_read_is_refused() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    headers = {**headers_of("li"), "Content-Type": "application/json"}
    members = {"ack": "note", "note": "text", "hold": "case", "resolve": "note"}
    async with asking(bench) as session:
        for text in HOSTILE:
            quoted = "".join(f"\\u{ord(each):04x}" for each in text)
            for what, member in members.items():
                verdict = '"verdict":"real",' if what == "resolve" else ""
                body = f'{{{verdict}"{member}":"{quoted}"}}'
                path = f"/v1/alerts/SG-017/{alert}/{what}"
                async with session.post(path, data=body, headers=headers) as answer:
                    assert answer.status == 400, (text, what)
    assert bench.store.said == []


@run_async
async def test_script_in_a_note_is_kept_as_the_text_it_is() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    text = "<script>alert(1)</script> \" & ' 渝A12345 🚓"
    async with asking(bench) as session:
        _, shown = await say(session, alert, "note", {"text": text})
        assert shown["notes"][0]["text"] == text
        path = f"/v1/alerts/SG-017/{alert}"
        async with session.get(path, headers=headers_of("wang")) as answer:
            assert answer.content_type == "application/json"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{", 400), (b'{"text":1}', 400), (b'{"text":null}', 400),
        (b'{"text":"x","by":"li"}', 400), (b'{"text":""}', 400), (b'{"text":"  "}', 400),
        (b"\xff\xfe", 400), (b"[" * 60_000, 400), (b'{"text":"' + b"a" * 70_000 + b'"}', 413),
    ],
)  # fmt: skip
def test_body_that_is_none_is_refused(body: bytes, status: int) -> None:
    @run_async
    async def ask() -> None:
        bench = StationBench()
        path = f"/v1/alerts/SG-017/{bench.open_alert()}/note"
        headers = {**headers_of("chen"), "Content-Type": "application/json"}
        async with (
            asking(bench) as session,
            session.post(path, data=body, headers=headers) as answer,
        ):
            assert answer.status == status
            assert answer.content_type == "application/problem+json"
        assert bench.store.said == []

    ask()


@run_async
async def test_disk_that_takes_nothing_is_told_at_once_and_nothing_is_queued() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        bench.store.jam()
        status, problem = await say(session, alert, "ack", {})
        assert status == 503
        assert "the disk is full" in problem["detail"]
        bench.store.clear()
        assert bench.store.of("alert.ack") == []
        assert (await say(session, alert, "ack", {}))[0] == 200


@run_async
async def test_word_is_not_promised_when_the_disk_hangs_and_then_fails() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    async with asking(bench) as session:
        bench.store.hang()
        status, problem = await say(session, alert, "ack", {})
        assert (status, len(bench.store.of("alert.ack"))) == (503, 1)
        assert "whether it was written is not known" in problem["detail"]
        bench.store.fail()
        bench.store.clear()
        path = f"/v1/alerts/SG-017/{alert}"
        async with session.get(path, headers=headers_of("chen")) as answer:
            assert (await answer.json())["acked"] is None


@run_async
async def test_only_words_that_the_disk_was_given_may_have_been_written_when_it_hangs() -> None:
    bench = StationBench()
    alert = bench.open_alert()
    texts = [f"patrol {number}" for number in range(5)]
    async with asking(bench) as session:
        bench.store.hang()
        answers = await asyncio.gather(
            *(say(session, alert, "note", {"text": text}) for text in texts)
        )
        bench.store.clear()
        await wait_until(lambda: bench.store.newest > 1)
    told = {text: shown["detail"] for text, (_, shown) in zip(texts, answers, strict=True)}
    assert {status for status, _ in answers} == {503}
    maybe = {text for text, detail in told.items() if "is not known" in detail}
    assert maybe == {draft.data["text"] for draft in bench.store.of("alert.note")}
    assert 0 < len(maybe) < 5
    assert all("nothing was written" in told[text] for text in texts if text not in maybe)
