"""What keeps a pole from answering, in words for people: of the network, of TLS, of its answers."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from aiohttp import (
    ClientConnectorDNSError,
    ClientError,
    ClientPayloadError,
    ClientResponseError,
    ServerDisconnectedError,
)
from aiohttp.http import HttpProcessingError

from edge.errors import PoleError, PoleRefused, PoleUnreachable, PoleWrong
from edge.station.pulling.pole_answers import parse_problem
from edge.station.pulling.ports import PoleBusy

FAILURES = (ClientError, HttpProcessingError, OSError)
"""What asking may raise; time-outs are OSErrors."""
_REDIRECTS = range(300, 400)
_SERVER_FAULTS = range(500, 600)
_TOO_MANY, _UNAVAILABLE = 429, 503
_REFUSALS = {
    401: "our token is not known there, or was revoked; make one with `polewatch token new` at the"
    " pole and put it into `token_file`",
    403: "our token does not allow it there; give it read, pictures and ack",
    421: "it does not know itself by the name in `url`; write one of its own",
}
_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], type[PoleError], str], ...] = (
    (
        (TimeoutError,),
        PoleUnreachable,
        "does not answer in time; look at the link and at the pole",
    ),
    (
        (ClientConnectorDNSError,),
        PoleUnreachable,
        "its host name is not known; look at `url` and at the resolver",
    ),
    (
        (ServerDisconnectedError,),
        PoleUnreachable,
        "it hangs up without an answer; look at the link, and at [tls] where the pole has"
        " `station_ca`",
    ),
    (
        (ClientPayloadError,),
        PoleUnreachable,
        "it hangs up before its answer is whole; look at the link",
    ),
    (
        (ClientResponseError, HttpProcessingError),
        PoleWrong,
        "what answers does not speak HTTP as a pole does; look at `url`",
    ),
)
_PLAIN_THERE = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def explain_failure(exc: BaseException) -> PoleError:
    """Say what an exception of the network means, as one of ours."""
    found = [each for each in _chain(exc) if isinstance(each, ssl.SSLError)]
    tls = found[-1] if found else None  # the innermost is OpenSSL's own and says most
    if isinstance(tls, ssl.SSLCertVerificationError):
        reason = getattr(tls, "verify_message", "") or tls.args[-1]
        return PoleRefused(
            f"its certificate is refused: {reason}; compare `ca` with"
            " DATA/tls/tls.crt of the pole, somebody else may answer there"
        )
    if tls is not None:
        return PoleRefused(_explain_tls(tls))
    for kinds, error, message in _MEANINGS:
        if isinstance(exc, kinds):
            return error(message)
    numbers = (each.errno for each in _chain(exc) if isinstance(each, OSError) and each.errno)
    number = next(numbers, 0)
    reason = os.strerror(number) if number else type(exc).__name__
    return PoleUnreachable(f"can't be reached ({reason}); look at the link, `url` and the pole")


def explain_status(status: int, body: bytes, *, retry_after: str = "") -> PoleError:
    """Say what an answer means that is not the one that was asked for.

    Args:
        status: of HTTP.
        body: what came with it, cut short.
        retry_after: the header; with it a refusal is one of the moment.
    """
    detail, _ = parse_problem(body)
    said = f": {detail}" if detail else ""
    if status in _REDIRECTS:
        where = f"it sends us elsewhere ({status})"
        return PoleRefused(f"{where}; write the pole's own address as `url`")
    if status in _REFUSALS:
        return PoleRefused(_REFUSALS[status] + said)
    if status == _TOO_MANY or (status == _UNAVAILABLE and retry_after):
        return PoleBusy(f"it can't just now ({status}){said}")
    if status in _SERVER_FAULTS:
        return PoleWrong(f"it fails to answer ({status}){said}; look at the pole's log")
    return PoleWrong(f"it gives a {status} that no pole gives there{said}; look at `url`")


def _explain_tls(exc: ssl.SSLError) -> str:
    if any(word in str(exc) for word in _PLAIN_THERE):
        return "it does not speak TLS there; write http:// where the pole's API is plain"
    if "ALERT" in str(exc):
        return (
            f"it refuses our TLS ({exc.reason}); where it has `station_ca`, show it a certificate"
            " of that CA: [tls] of the station"
        )
    return f"TLS fails ({exc.reason or exc}); look at what answers at `url`"


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from."""
    while exc is not None:
        yield exc
        inner = getattr(exc, "os_error", None) or getattr(exc, "certificate_error", None)
        exc = inner if isinstance(inner, BaseException) else exc.__cause__ or exc.__context__
