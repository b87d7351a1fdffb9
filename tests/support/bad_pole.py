"""A pole that misbehaves on demand: the real API, and in front of it somebody who spoils answers.

async with serve_pole(tmp_path) as pole, bad_pole(pole.address) as bad:
    bad.set(removed=3)        # of feed alerts, from now on
    bad.heal()
    bad.asked                 # method and path of what was asked, in order
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.evidence import seal

OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
_DRIP_S = 0.05


@dataclass(frozen=True)
class Faults:
    """What goes wrong. Seqs are of feed `alerts`; a page that does not hold them is untouched."""

    status: int | None = None
    """Every answer is this one."""
    status_at: tuple[str, int] | None = None
    """Answers to paths that begin so are this one."""
    redirect: str | None = None
    is_mute: bool = False
    """Takes requests and never answers."""
    is_endless: bool = False
    """Bodies that never end."""
    is_drip: bool = False
    """Bodies a byte at a time."""
    is_compressed: bool = False
    """Says so; nothing is."""
    hang_up_at: int | None = None
    """Bytes of a body, then the connection is cut."""
    wrong_types: bool = False
    """JSON of another shape."""
    changed: int | None = None
    """One letter of this record."""
    removed: int | None = None
    """This record is passed over, from pages and from what they say of themselves."""
    swapped: int | None = None
    """This record and the next one."""
    forged: int | None = None
    """This record is another one, sealed well; its follower knows the true one."""
    stuck: bool = False
    """Pages say that there is more, and stay where they are."""
    clock_ahead_s: float = 0.0
    pole_id: str | None = None
    other_key: bool = False
    forged_signatures: bool = False
    lying_hash: bool = False
    """Files have other bytes."""
    vanish_at: int | None = None
    """Bytes of a file, then the connection is cut, and the file is gone."""
    ignores_range: bool = False


@dataclass
class BadPole:
    """What a test does with it."""

    upstream: str
    faults: Faults = Faults()
    address: str = ""
    scheme: str = "http"
    asked: list[str] = field(default_factory=list)
    media_bytes: int = 0
    """Bytes of files that have left."""

    def __post_init__(self) -> None:
        self._vanished: set[str] = set()

    @property
    def url(self) -> str:
        """Where a station asks it."""
        return f"{self.scheme}://{self.address}"

    def set(self, **changes: Any) -> None:
        """Misbehave so from now on."""
        self.faults = replace(self.faults, **changes)

    def heal(self) -> None:
        """Behave."""
        self.faults = Faults()
        self._vanished.clear()

    def count(self, start: str) -> int:
        """How often something was asked: `GET /v1/pole`."""
        return sum(each.startswith(start) for each in self.asked)

    async def answer(self, request: web.Request, client: ClientSession) -> web.StreamResponse:
        """Ask the real one, and spoil what it says."""
        self.asked.append(f"{request.method} {request.path_qs}")
        faults = self.faults
        if faults.is_mute:
            await asyncio.Event().wait()
        status = faults.status
        if faults.status_at is not None and request.path.startswith(faults.status_at[0]):
            status = faults.status_at[1]
        if faults.redirect is not None:
            return web.Response(status=302, headers={"Location": faults.redirect})
        if status is not None:
            return web.Response(status=status, body=b"{}")
        if request.path in self._vanished:
            return web.Response(status=404, body=b"{}")
        try:
            return await self._pass_on(request, client)
        except ClientError:  # the real one has gone
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)

    async def _pass_on(self, request: web.Request, client: ClientSession) -> web.StreamResponse:
        sent = {
            name: value
            for name, value in request.headers.items()
            if name in ("Authorization", "Content-Type", "If-Range", "Accept")
            or (name == "Range" and not self.faults.ignores_range)
        }
        async with client.request(
            request.method, f"http://{self.upstream}{request.path_qs}",
            headers=sent, data=await request.read(), allow_redirects=False,
        ) as found:  # fmt: skip
            body = await found.read()
            kept = {
                name: value
                for name, value in found.headers.items()
                if name in ("Content-Type", "Content-Range", "ETag", "Retry-After")
                or name.startswith("Polewatch-")
            }
            if found.status in (200, 206):
                body = self._spoil(request.path, body)
            return await self._send(request, found.status, kept, body)

    def _spoil(self, path: str, body: bytes) -> bytes:
        faults = self.faults
        if path.startswith("/v1/media/") and faults.lying_hash:
            return bytes(byte ^ 1 for byte in body)
        if faults.wrong_types and path.startswith("/v1/"):
            return b'{"items":{"0":[]},"next":7,"id":[],"more":"yes"}'
        if path == "/v1/pole":
            return _change(body, self._spoil_pole)
        if path.endswith("/statements") and faults.forged_signatures:
            return _change(body, _forge)
        if path == "/v1/feeds/alerts":
            return self._spoil_page(body)
        return body

    def _spoil_pole(self, about: dict[str, Any]) -> None:
        faults = self.faults
        if faults.clock_ahead_s:
            moment = datetime.now(UTC) + timedelta(seconds=faults.clock_ahead_s)
            about["at"] = moment.isoformat(timespec="milliseconds")
        if faults.pole_id is not None:
            about["id"] = faults.pole_id
        if faults.other_key:
            public = OTHER_KEY.public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            about["key"]["pem"] = pem.decode()

    def _spoil_page(self, body: bytes) -> bytes:
        page = msgspec.json.decode(body, type=_Page)
        items = [bytes(item) for item in page.items]
        first = int(page.oldest.partition(".")[2])
        if items:
            first = msgspec.json.decode(items[0])["seq"]
        self._spoil_items(items, first)
        following = page.next
        if self.faults.stuck:
            items, following = [], f"{page.next.partition('.')[0]}.{max(0, first - 1)}"
        shown = b",".join(items)
        tail = {"next": following, "oldest": page.oldest, "more": self.faults.stuck or page.more}
        return b'{"items":[' + shown + b"]," + msgspec.json.encode(tail)[1:]

    def _spoil_items(self, items: list[bytes], first: int) -> None:
        faults = self.faults

        def find(seq: int | None) -> int | None:
            place = None if seq is None else seq - first
            return place if place is not None and 0 <= place < len(items) else None

        if (place := find(faults.changed)) is not None:
            items[place] = items[place].replace(b'"severity":"m', b'"severity":"M', 1)
        if (place := find(faults.forged)) is not None:
            record = msgspec.json.decode(items[place])
            del record["hash"]
            items[place] = seal({**record, "severity": "info"}).body
        if (place := find(faults.swapped)) is not None and place + 1 < len(items):
            items[place], items[place + 1] = items[place + 1], items[place]
        if (place := find(faults.removed)) is not None:
            del items[place]

    async def _send(
        self, request: web.Request, status: int, headers: dict[str, str], body: bytes
    ) -> web.StreamResponse:
        faults = self.faults
        is_file = request.path.startswith("/v1/media/") and request.method == "GET"
        if faults.is_compressed:
            headers["Content-Encoding"] = "gzip"
        response = web.StreamResponse(status=status, headers=headers)
        if not faults.is_endless:
            response.content_length = len(body)
        await response.prepare(request)
        cut = faults.vanish_at if is_file and faults.vanish_at is not None else faults.hang_up_at
        if cut is not None and cut < len(body):
            if faults.vanish_at is not None:
                self._vanished.add(request.path)
            body = body[:cut]
        if faults.is_drip:
            for byte in body:
                await response.write(bytes((byte,)))
                await asyncio.sleep(_DRIP_S)
        else:
            await response.write(body)
        self.media_bytes += len(body) if is_file else 0
        while faults.is_endless:
            await response.write(b" " * 65536)
        if cut is not None and request.transport is not None:
            request.transport.close()
        return response


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]
    next: str
    oldest: str
    more: bool


def _change(body: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    fields: dict[str, Any] = msgspec.json.decode(body)
    change(fields)
    return msgspec.json.encode(fields)


def _forge(answer: dict[str, Any]) -> None:
    for each in answer["items"]:
        each["hash"] = "0" * 64


@asynccontextmanager
async def bad_pole(upstream: str, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[BadPole]:
    """Stand before a pole at HOST:PORT, on a port of the kernel's choice."""
    bad = BadPole(upstream, scheme="http" if tls is None else "https")
    async with ClientSession(timeout=ClientTimeout(total=None)) as client:

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            assert isinstance(request, web.Request)
            return await bad.answer(request, client)

        app = web.Application(client_max_size=2**20)
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            bad.address = f"127.0.0.1:{runner.addresses[0][1]}"
            yield bad
        finally:
            await runner.cleanup()
