"""Webhooks of a whole station that is killed, to a receiver that comes and goes; the example."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.repo.tree import CHECKOUT
from tests.support.pole_server import Offer, run_pole_server
from tests.support.served_process import free_port
from tests.support.station_process import PulledPole, StationFiles, StationProcess, write_station
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.timeout(120)

SECRET = "0123456789abcdef"


def write(folder: Path, offer: Offer, url: str) -> StationFiles:
    (folder / "secret").touch(mode=0o600)
    (folder / "secret").write_text(SECRET)
    hook = f'[[webhook]]\nname = "dispatch"\nurl = "{url}"\nsecret_file = "secret"\n'
    token = offer.headers["Authorization"].removeprefix("Bearer ")
    poles = {"SG-017": PulledPole(f"http://{offer.address}", token)}
    return write_station(folder, poles, port=free_port(), extra=hook)


def open_alerts(offer: Offer, count: int) -> None:
    offer.orders.write(b"\n" * count)
    offer.orders.flush()


def test_every_alert_is_told_when_station_and_receiver_fail(tmp_path: Path) -> None:
    (tmp_path / "pole").mkdir()
    with WebhookReceiver() as receiver, run_pole_server(tmp_path / "pole", alerts=0) as offer:

        def opened() -> list[str]:
            """Alerts whose beginning was taken, each once, in the order in which it was."""
            told = (each.json() for each in receiver.taken)
            names = [each["record"]["alert"] for each in told if each["type"] == "alert.open"]
            return list(dict.fromkeys(names))

        with StationProcess(write(tmp_path, offer, receiver.url)) as station:
            station.wait_for(lambda: station.poles()["SG-017"]["state"] == "up")
            open_alerts(offer, 10)
            station.wait_for(lambda: len(opened()) >= 3)
            station.kill()
            open_alerts(offer, 10)
            station.start()
            station.wait_for(lambda: len(opened()) >= 12)
            receiver.manner = "refuse"
            open_alerts(offer, 10)
            received = len(receiver.received)
            station.wait_for(lambda: len(receiver.received) > received + 1)
            station.kill()
            receiver.manner = "take"
            station.start()
            station.wait_for(lambda: len(opened()) == 30)
            here = [each["id"] for each in reversed(station.alerts())]
        assert opened() == here
    bodies = {(each.headers["webhook-id"], each.json()["number"]) for each in receiver.received}
    assert len(bodies) == len({name for name, _ in bodies})


@contextmanager
def example(port: int, secret: str) -> Iterator[subprocess.Popen[bytes]]:
    """The receiver of the integrator's page."""
    process = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "docs/example_webhook.py"), str(port)],
        env={**os.environ, "SECRET": secret}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_example_receiver_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pole").mkdir()
    port = free_port()
    with run_pole_server(tmp_path / "pole", alerts=0) as offer:
        files = write(tmp_path, offer, f"http://127.0.0.1:{port}/")
        with StationProcess(files) as station:
            station.wait_for(lambda: station.poles()["SG-017"]["state"] == "up")
            with example(port, "another secret of theirs") as wrong:
                open_alerts(offer, 1)
                assert wrong.stderr is not None
                while b" 401 " not in (line := wrong.stderr.readline()):
                    assert line
            with example(port, SECRET) as receiver:
                assert receiver.stdout is not None
                (alert,) = [each["id"] for each in station.alerts()]
                line = receiver.stdout.readline()
                assert line == f"alert.open SG-017 {alert}\n".encode()


@pytest.mark.parametrize("signature", [None, "", "v1,", "v1,\xe9\xff"])
def test_example_receiver_answers_401_to_what_is_not_signed(signature: str | None) -> None:
    port = free_port()
    with example(port, SECRET) as receiver:
        status = None
        while status is None:
            assert receiver.poll() is None
            with suppress(ConnectionRefusedError), closing(HTTPConnection("127.0.0.1", port)) as to:
                shown = {} if signature is None else {"webhook-signature": signature}
                to.request("POST", "/", b"{}", {"webhook-id": "m", **shown})
                status = to.getresponse().status
    assert status == 401
