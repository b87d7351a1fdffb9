"""A small RTSP camera on loopback that misbehaves on demand and heals on demand.

RTSP 1.0 with H.264 over the RTSP connection (TCP interleaved), one thread a connection. What
it can do wrong stands in `faults.py`; what goes out as RTP is decided in `rtp_sender.py`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.faults import CameraLog, Faults
from tests.support.rtp import CLOCK_HZ, Clip, load_clip
from tests.support.rtp_sender import RTP_TIME_FIRST, RtpSender
from tests.support.rtsp_message import (
    SDP_GARBAGE,
    SDP_WITHOUT_VIDEO,
    Login,
    Request,
    encode_reply,
    encode_sdp,
    take_request,
)

POLL_S = 0.02
LINGER_S = 2.0
HUGE_BYTES = 1 << 30
DRIP_BYTES, DRIP_S = 1, 0.2
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how long a clip is sent.

    Attributes:
        speed: 1 is real time, 0 as fast as the client reads.
        rounds: how often the clip is sent before the connection is closed; None is for ever.
    """

    speed: float = 1.0
    rounds: int | None = None


REAL_TIME = Pace()
AT_ONCE = Pace(speed=0.0, rounds=1)


@dataclass(frozen=True, slots=True)
class Play:
    """What a camera shows; the parts that do not change while it runs."""

    clip: Clip
    then: Clip
    pace: Pace
    login: Login | None


class BadCamera:
    """A camera at `.url` while the context is open; threads and port are gone after it."""

    def __init__(
        self,
        clip: Path,
        faults: Faults | None = None,
        *,
        then: Path | None = None,
        pace: Pace = AT_ONCE,
        login: Login | None = None,
    ) -> None:
        """Read the clips; the port opens with the context.

        Args:
            clip: an H.264 file.
            faults: what it does wrong at first.
            then: the second clip, of the fault `switch_at`.
            pace: how fast and how long.
            login: the name and password it asks for, if any.
        """
        first = load_clip(clip)
        second = load_clip(then) if then else first
        self._play = Play(first, second, pace, login)
        self._faults = faults or Faults()
        self._lock = threading.Lock()
        self._life = threading.Event()
        self._sessions: list[threading.Thread] = []
        self._door: _Door | None = None
        self._port = 0
        self.log = CameraLog()

    def __enter__(self) -> BadCamera:
        self._open_door()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._door:
            self._door.close()
        self.hang_up()

    @property
    def url(self) -> str:
        """Where it is, without a login."""
        return f"rtsp://127.0.0.1:{self._port}/main"

    def url_as(self, user: str, password: str) -> str:
        """Where it is, with a login."""
        return self.url.replace("//", f"//{user}:{password}@")

    @property
    def faults(self) -> Faults:
        """What it does wrong now."""
        return self._faults

    def set_faults(self, **changes: Any) -> None:
        """Change some faults from now on; live connections stay, see `hang_up`."""
        before, self._faults = self._faults, replace(self._faults, **changes)
        if before.connect != self._faults.connect and self._door:
            self._door.close()
            self._open_door()

    def heal(self) -> None:
        """Make it a healthy camera."""
        self.set_faults(**{name: getattr(Faults(), name) for name in Faults.__slots__})

    def hang_up(self) -> None:
        """Close all connections, as when it loses power."""
        with self._lock:  # The door may let somebody in meanwhile: into the next life.
            life, self._life = self._life, threading.Event()
            sessions, self._sessions = self._sessions, []
        life.set()
        for session in sessions:
            session.join(timeout=5)
            assert not session.is_alive(), "a camera session did not end"

    def _open_door(self) -> None:
        self._door = _Door(self._port, mode=self._faults.connect, on_accept=self._begin)
        self._port = self._door.port

    def _begin(self, connection: socket.socket) -> None:
        number = len(self.log.of("connect")) + 1
        self.log.add("connect", number)
        with self._lock:
            session = _Session(_Wire(connection, self._life), number=number, camera=self)
            thread = threading.Thread(target=session.run, name=f"camera-{number}")
            self._sessions.append(thread)
            thread.start()

    @property
    def play(self) -> Play:
        """What it shows."""
        return self._play


class _Door:
    """The listening port in one of its moods; always bound, so that nobody else can take it."""

    def __init__(self, port: int, *, mode: str, on_accept: Callable[[socket.socket], None]) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._fillers: list[socket.socket] = []
        self._closing = threading.Event()
        self._on_accept = on_accept
        self._thread: threading.Thread | None = None
        if mode == "blackhole":
            self._fill()
        elif mode != "refuse":
            self._socket.listen(8)
            self._thread = threading.Thread(target=self._accept, name="camera-door")
            self._thread.start()

    def _fill(self) -> None:
        """Fill the accept queue; Linux then drops further connection attempts unanswered."""
        self._socket.listen(0)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def _accept(self) -> None:
        while not self._closing.is_set():
            if select.select([self._socket], [], [], POLL_S)[0]:
                self._on_accept(self._socket.accept()[0])

    def close(self) -> None:
        self._closing.set()
        if self._thread:
            self._thread.join()
        for each in (*self._fillers, self._socket):
            each.close()


class _Wire:
    """A connection whose reads and writes end when the camera hangs up."""

    def __init__(self, connection: socket.socket, life: threading.Event) -> None:
        self._socket, self._life = connection, life
        self._socket.setblocking(False)
        self._unread = b""

    def is_over(self) -> bool:
        return self._life.is_set()

    def rest(self, duration_s: float) -> None:
        self._life.wait(duration_s)

    def send(self, data: bytes) -> None:
        """Send all.

        Raises:
            ConnectionError: either side has hung up.
        """
        left = memoryview(data)
        while left:
            if self.is_over():
                raise ConnectionAbortedError
            if select.select([], [self._socket], [], POLL_S)[1]:
                left = left[self._socket.send(left) :]

    def take_request(self, *, wait_s: float) -> Request | None:
        """Wait for a request, or for the time to pass.

        Raises:
            ConnectionError: the client has hung up.
        """
        request, self._unread = take_request(self._unread)
        if request or not select.select([self._socket], [], [], wait_s)[0]:
            return request
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError
        request, self._unread = take_request(self._unread + data)
        return request

    def close(self) -> None:
        """Say good-bye and close.

        What the client has said meanwhile is read first: closing over unread bytes would reset
        the connection and take from the client what it has not read yet.
        """
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            deadline_s = time.monotonic() + LINGER_S
            while not self.is_over() and time.monotonic() < deadline_s:
                if select.select([self._socket], [], [], POLL_S)[0] and not self._socket.recv(4096):
                    break
        self._socket.close()


class _Session:
    """One connection: answers requests and, after PLAY, sends."""

    def __init__(self, wire: _Wire, *, number: int, camera: BadCamera) -> None:
        self._wire, self._number, self._camera = wire, number, camera
        play = camera.play
        sender = RtpSender(
            play.clip, play.then, rounds=play.pace.rounds, faults=lambda: camera.faults
        )
        self._steps = sender.steps()
        self._play_s: float | None = None

    def run(self) -> None:
        """Serve until either side hangs up or the clip is over."""
        with contextlib.suppress(ConnectionError):
            while not self._wire.is_over():
                request = self._wire.take_request(wait_s=POLL_S if self._play_s is None else 0)
                if request:
                    self._answer(request)
                elif self._play_s is not None and not self._send_step(self._play_s):
                    break
        self._wire.close()
        self._camera.log.add("close", self._number)

    def _send_step(self, play_s: float) -> bool:
        """Do the next step of the stream; False when it is over."""
        step = next(self._steps)
        if step.action == "wait":
            self._wire.rest(POLL_S)
        speed = self._camera.play.pace.speed
        if speed and step.action == "send":
            due_s = play_s + step.at_90k / CLOCK_HZ / speed
            self._wire.rest(max(0.0, due_s - time.monotonic()))
        self._wire.send(step.data)
        return step.action != "close"

    def _answer(self, request: Request) -> None:
        faults, login = self._camera.faults, self._camera.play.login
        has_login = "authorization" in request.headers
        is_right = login.is_met_by(request) if login and has_login else None
        status: int | None = 200
        headers = {}
        if faults.connect == "hang":
            status = None
        elif request.method == faults.status_on and faults.status:
            status = faults.status
        elif login and not is_right and request.method != "OPTIONS":
            status = 401
        if status == 401:
            headers = {"WWW-Authenticate": (login or Login("", "")).challenge}
        if has_login and is_right is None:
            is_right = False
        self._camera.log.add(request.method, self._number, status=status, is_login_right=is_right)
        if status == 200:
            self._grant(request)
        elif status is not None:
            self._wire.send(encode_reply(request, status, headers))

    def _grant(self, request: Request) -> None:
        """Answer a request that nothing stands against."""
        if request.method == "DESCRIBE":
            self._describe(request)
            return
        headers = {"Session": "1;timeout=60"}
        if request.method == "OPTIONS":
            headers = {"Public": METHODS}
        elif request.method == "SETUP":
            headers["Transport"] = "RTP/AVP/TCP;unicast;interleaved=0-1"
        elif request.method == "PLAY":
            headers["RTP-Info"] = f"url={request.uri}/track1;seq=0;rtptime={RTP_TIME_FIRST}"
        self._wire.send(encode_reply(request, 200, headers))
        if request.method == "PLAY":
            self._play_s = time.monotonic()
        elif request.method == "TEARDOWN":
            raise ConnectionAbortedError

    def _describe(self, request: Request) -> None:
        clip, kind = self._camera.play.clip, self._camera.faults.describe
        body = {"garbage": SDP_GARBAGE, "no_video": SDP_WITHOUT_VIDEO}.get(
            kind, encode_sdp(clip, has_sprop=kind != "no_sprop")
        )
        headers = {"Content-Base": request.uri + "/"}
        if kind in {"endless", "huge_length"}:
            headers["Content-Length"] = str(HUGE_BYTES)
        reply = encode_reply(request, 200, headers, body=body)
        if kind == "drip":
            self._drip(reply)
            return
        self._wire.send(reply)
        while kind == "endless":
            self._wire.send((b"a=x-note:" + b"x" * 1013 + b"\r\n") * 50)
            self._wire.rest(POLL_S)

    def _drip(self, reply: bytes) -> None:
        for start in range(0, len(reply), DRIP_BYTES):
            self._wire.send(reply[start : start + DRIP_BYTES])
            self._wire.rest(DRIP_S)
