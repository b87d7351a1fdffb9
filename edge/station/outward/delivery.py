"""One attempt at handing a message to a webhook: within ten seconds, and to nobody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
)
from aiohttp.http_exceptions import HttpProcessingError

from edge.errors import Fault, PoleRefused, ValidationError
from edge.station.client_tls import make_client_context
from edge.station.config import Webhook

ATTEMPT_S_MAX = 10.0
ANSWER_BYTES_MAX = 64 * 1024
"""Read so that the connection can be used again, and not looked at; a longer one is hung up on."""
_ANSWER_S_MAX = 1.0
_GOOD, _REDIRECT, _GONE = range(200, 300), range(300, 400), 410

Outcome = Literal["taken", "refused", "gone"]


class Delivery:
    """Posts to one receiver; an async context manager that owns its connection."""

    def __init__(self, webhook: Webhook, *, attempt_s: float = ATTEMPT_S_MAX) -> None:
        """Nothing is sent yet.

        Raises:
            ValidationError: the file of its `ca` can't be used.
        """
        self._url, self._attempt_s = webhook.url, attempt_s
        self._tls: ssl.SSLContext | bool = True
        if webhook.ca is not None:
            self._tls = _trust(webhook.name, Path(webhook.ca))
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Delivery:
        """Begin; a connection is made with the first message."""
        self._session = ClientSession(
            connector=TCPConnector(limit=1, ssl=self._tls),
            timeout=ClientTimeout(total=self._attempt_s),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "polewatch-station", "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Hang up."""
        assert self._session is not None
        await self._session.close()

    async def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[Outcome, str]:
        """Send a message once.

        Returns:
            Whether it was taken (any 2xx), is to be sent again, or the receiver wants no more
            (410); and why it was not taken, for people.
        """
        assert self._session is not None
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                if status in _GOOD:
                    await _pass_over(response.content)
                    return "taken", ""
        except TimeoutError:
            return "refused", f"no answer in {self._attempt_s:g} s"
        except (ClientError, HttpProcessingError, OSError) as exc:
            return "refused", str(exc) or type(exc).__name__
        if status == _GONE:
            return "gone", "it answers 410 Gone"
        if status in _REDIRECT:
            return "refused", f"it redirects ({status}), which is not followed; give its own url"
        return "refused", f"it answers {status}"


async def _pass_over(content: StreamReader) -> None:
    """Let an answer come to its end, if that is near: what it says is of no account."""
    got_bytes = 0
    with suppress(TimeoutError, ClientError, OSError):
        async with asyncio.timeout(_ANSWER_S_MAX):
            while got_bytes < ANSWER_BYTES_MAX and (chunk := await content.readany()):
                got_bytes += len(chunk)


def _trust(name: str, path: Path) -> ssl.SSLContext:
    try:
        return make_client_context(str(path), None)
    except PoleRefused as exc:
        problem = f"of {name} can't be used: {exc}"
        remedy = "put the receiver's certificate, or its CA's, there as PEM"
        raise ValidationError([Fault("webhook.ca", problem, remedy)]) from exc
