"""Webhooks against receivers that take, refuse, hang, redirect and never end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.errors import StoreError, ValidationError
from edge.station.config import Webhook
from edge.station.outward.webhooks import Outlook, Webhooks, WebhookView
from edge.station.ports.arrivals import Arrival
from edge.supervise import Passing
from tests.support.aio import run_async, wait_until
from tests.support.arrivals_list import STATION, ArrivalsList
from tests.support.webhook_receiver import Manner, Received, WebhookReceiver

pytestmark = pytest.mark.timeout(120)

SECRET = b"0123456789abcdef"


@dataclass
class Running:
    """Webhooks at work: what they know, how it stands with them, how long they waited."""

    arrivals: ArrivalsList
    webhooks: Webhooks
    waits_s: list[float] = field(default_factory=list)

    def view(self, name: str = "dispatch") -> WebhookView:
        return next(each for each in self.webhooks.views() if each.name == name)


@asynccontextmanager
async def running(
    folder: Path, arrivals: ArrivalsList, attempt_s: float = 5, **urls: str
) -> AsyncIterator[Running]:
    secret = folder / "secret"
    secret.write_bytes(SECRET + b"\n")
    waits_s: list[float] = []

    async def hurry(wait_s: float) -> None:
        waits_s.append(wait_s)
        await asyncio.sleep(0.001)

    webhooks = Webhooks(
        [Webhook(name=name, url=url, secret_file=str(secret)) for name, url in urls.items()],
        Outlook(arrivals, arrivals, STATION),
        passing=Passing(SystemClock(), hurry, lambda: 0.5),
        attempt_s=attempt_s,
    )
    task = asyncio.create_task(webhooks.run())
    await wait_until(lambda: len(arrivals.told) == len(urls))
    try:
        yield Running(arrivals, webhooks, waits_s)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def is_signed(received: Received) -> bool:
    """By the receiver's own reckoning, not by ours."""
    name, sent = received.headers["webhook-id"], received.headers["webhook-timestamp"]
    content = f"{name}.{sent}.".encode() + received.body
    digest = base64.b64encode(hmac.new(SECRET, content, hashlib.sha256).digest()).decode()
    return received.headers["webhook-signature"] == f"v1,{digest}"


def numbers(receiver: WebhookReceiver) -> list[int]:
    return [each.json()["number"] for each in receiver.taken]


@run_async
async def test_alerts_are_told_in_order_and_signed(tmp_path: Path) -> None:
    arrivals = ArrivalsList()
    arrivals.add("alert.open", severity="major")  # before the first start
    with WebhookReceiver() as receiver:
        async with running(tmp_path, arrivals, dispatch=receiver.url) as run:
            arrivals.add("measure", feed="measures")
            for number in range(40):
                arrivals.add("alert.open", severity="major", alert=f"A{number}")
                arrivals.add("alert.seen", alert=f"A{number}")
            await wait_until(lambda: arrivals.told["dispatch"] == arrivals.newest)
            assert run.view() == WebhookView("dispatch", "up", "", None)
    assert numbers(receiver) == list(range(3, 83, 2))
    assert all(is_signed(each) for each in receiver.received)
    assert receiver.received[0].headers["content-type"] == "application/json"
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 40


@pytest.mark.parametrize("manner", ["refuse", "hang up", "babble", "redirect"])
@run_async
async def test_message_is_sent_until_it_is_taken_when_it_was_refused(
    tmp_path: Path, manner: Manner
) -> None:
    arrivals = ArrivalsList()
    with WebhookReceiver() as elsewhere, WebhookReceiver(manner) as receiver:
        receiver.redirect_to = elsewhere.url
        async with running(tmp_path, arrivals, dispatch=receiver.url) as run:
            first = arrivals.add("alert.open", severity="major")
            second = arrivals.add("alert.close", severity="major")
            await wait_until(lambda: len(receiver.received) >= 12)
            assert (run.view().state, run.view().waiting_since_ms) == ("behind", 1_795_368_785_001)
            assert run.view().reason != ""
            assert arrivals.told["dispatch"] == 0
            receiver.manner = "take"
            await wait_until(lambda: arrivals.told["dispatch"] == second)
            assert (run.view().state, run.view().waiting_since_ms) == ("up", None)
    assert numbers(receiver) == [first, second]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 2
    assert elsewhere.received == []
    waits_s = [each for each in run.waits_s if each > 1]
    assert waits_s[:4] == [1.125, 2.25, 4.5, 9.0]
    assert waits_s[10] == 300 * 1.125


@run_async
async def test_receiver_that_hangs_or_is_not_there_delays_no_other(tmp_path: Path) -> None:
    arrivals = ArrivalsList()
    nowhere = "http://127.0.0.1:1/none"
    with WebhookReceiver("hang") as slow, WebhookReceiver() as good:
        urls = {"slow": slow.url, "nowhere": nowhere, "good": good.url}
        async with running(tmp_path, arrivals, attempt_s=0.2, **urls) as run:
            for number in range(50):
                arrivals.add("alert.open", severity="major", alert=f"A{number}")
            await wait_until(lambda: arrivals.told["good"] == 50)
            await wait_until(lambda: len(slow.received) >= 2)
            await wait_until(lambda: run.view("nowhere").state == "behind")
            assert run.view("slow").reason == "no answer in 0.2 s"
    assert numbers(good) == list(range(1, 51))
    assert arrivals.told["slow"] == arrivals.told["nowhere"] == 0


@pytest.mark.parametrize("manner", ["endless", "drip"])
@run_async
async def test_answer_without_end_is_hung_up_on_and_counts(tmp_path: Path, manner: Manner) -> None:
    arrivals = ArrivalsList()
    with WebhookReceiver(manner) as receiver:
        async with running(tmp_path, arrivals, dispatch=receiver.url):
            arrivals.add("alert.open", severity="major")
            arrivals.add("alert.close", severity="major")
            await wait_until(lambda: arrivals.told["dispatch"] == 2)
    assert numbers(receiver) == [1, 2]
    assert receiver.sent_bytes < 32 * 2**20


@run_async
async def test_receiver_that_wants_no_more_is_left_alone_until_the_next_start(
    tmp_path: Path,
) -> None:
    arrivals = ArrivalsList()
    with WebhookReceiver("gone") as receiver:
        async with running(tmp_path, arrivals, dispatch=receiver.url) as run:
            arrivals.add("alert.open", severity="major")
            await wait_until(lambda: run.view().state == "gone")
            arrivals.add("alert.close", severity="major")
            receiver.manner = "take"
            assert len(receiver.received) == 1
        async with running(tmp_path, arrivals, dispatch=receiver.url):
            await wait_until(lambda: arrivals.told["dispatch"] == 2)
    assert numbers(receiver) == [1, 2]


class BriefTrouble(ArrivalsList):
    """A store that can't be read the first few times."""

    def __init__(self) -> None:
        super().__init__()
        self.failures_left = 3

    async def arrivals(self, **asked: object) -> list[Arrival]:
        if self.newest and self.failures_left:
            self.failures_left -= 1
            raise StoreError("the disk is full; make room")
        return await super().arrivals(**asked)  # type: ignore[arg-type]


@run_async
async def test_store_that_fails_for_a_while_is_asked_again(tmp_path: Path) -> None:
    arrivals = BriefTrouble()
    with WebhookReceiver() as receiver:
        async with running(tmp_path, arrivals, dispatch=receiver.url):
            arrivals.add("alert.open", severity="major")
            await wait_until(lambda: arrivals.told["dispatch"] == 1)
    assert numbers(receiver) == [1]


def make_webhook(folder: Path, **fields: str) -> Webhook:
    (folder / "secret").write_bytes(SECRET)
    return Webhook(
        **{
            "name": "dispatch", "url": "https://127.0.0.1:1",
            "secret_file": str(folder / "secret"), **fields,
        }  # type: ignore[arg-type]
    )  # fmt: skip


def short(folder: Path) -> dict[str, str]:
    (folder / "short").write_text("short")
    return {"secret_file": str(folder / "short")}


def missing(folder: Path) -> dict[str, str]:
    return {"secret_file": str(folder / "none")}


def no_ca(folder: Path) -> dict[str, str]:
    (folder / "ca.pem").write_text("no certificate")
    return {"ca": str(folder / "ca.pem")}


@pytest.mark.parametrize("spoil", [short, missing, no_ca])
def test_file_that_can_not_be_used_is_named(
    tmp_path: Path, spoil: Callable[[Path], dict[str, str]]
) -> None:
    webhook = make_webhook(tmp_path, **spoil(tmp_path))
    arrivals = ArrivalsList()
    with pytest.raises(ValidationError, match="dispatch"):
        Webhooks([webhook], Outlook(arrivals, arrivals, STATION))
