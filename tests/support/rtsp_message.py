"""RTSP 1.0 messages of a small server: requests in, replies and SDP out, logins checked (pure)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

from tests.support.rtp import PAYLOAD_TYPE, Clip

REALM, NONCE = "camera", "0a4f113b"
REASONS = {
    200: "OK",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Stream Not Found",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    501: "Not Implemented",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    uri: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Login:
    """The name and password a camera asks for."""

    user: str
    password: str
    scheme: str = "digest"

    @property
    def challenge(self) -> str:
        """The value of `WWW-Authenticate`."""
        if self.scheme == "basic":
            return f'Basic realm="{REALM}"'
        return f'Digest realm="{REALM}", nonce="{NONCE}"'

    def is_met_by(self, request: Request) -> bool:
        """Check a request's `Authorization` (RFC 2617, digest without qop)."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if self.scheme == "basic":
            right = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return scheme == "Basic" and value == right
        given = dict(re.findall(r'(\w+)="([^"]*)"', value))
        first = _md5(f"{self.user}:{REALM}:{self.password}")
        second = _md5(f"{request.method}:{given.get('uri', '')}")
        right = _md5(f"{first}:{NONCE}:{second}")
        return scheme == "Digest" and given.get("response") == right


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def take_request(buffer: bytes) -> tuple[Request | None, bytes]:
    """Take the first whole request off a buffer, skipping the client's RTCP.

    Returns:
        The request, or None where more bytes are needed, and what is left.
    """
    while buffer[:1] == b"$":
        if len(buffer) < 4 or len(buffer) < (end := 4 + int.from_bytes(buffer[2:4], "big")):
            return None, buffer
        buffer = buffer[end:]
    head, end_mark, rest = buffer.partition(b"\r\n\r\n")
    if not end_mark:
        return None, buffer
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if len(rest) < length:
        return None, buffer
    method, _, uri = first.removesuffix(" RTSP/1.0").partition(" ")
    return Request(method, uri, headers), rest[length:]


def encode_reply(
    request: Request, status: int, headers: dict[str, str] | None = None, *, body: bytes = b""
) -> bytes:
    """Encode a reply; a `Content-Length` among the headers wins over the true one."""
    fields = {"CSeq": request.headers.get("cseq", "0")}
    if body:
        fields |= {"Content-Type": "application/sdp", "Content-Length": str(len(body))}
    fields |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    reason = REASONS.get(status, "Error")
    return f"RTSP/1.0 {status} {reason}\r\n{head}\r\n".encode() + body


def encode_sdp(clip: Clip, *, has_sprop: bool = True) -> bytes:
    """Describe one H.264 stream, with its parameter sets unless told otherwise."""
    sprop = ",".join(base64.b64encode(nal).decode() for nal in (clip.sps, clip.pps))
    sets = f";sprop-parameter-sets={sprop}" if has_sprop else ""
    fmtp = f"packetization-mode=1;profile-level-id={clip.sps[1:4].hex()}{sets}"
    lines = [
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0"),
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
        f"a=fmtp:{PAYLOAD_TYPE} {fmtp}",
        "a=control:track1",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


SDP_WITHOUT_VIDEO = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n"
    b"m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n"
)
SDP_GARBAGE = bytes(range(1, 256)) * 4
