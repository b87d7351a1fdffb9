"""What is said between the fork server and whoever runs eyes through it.

One JSON object a message on a SOCK_SEQPACKET Unix socket, so that a message and the descriptors
sent with it can't come apart. Meaning and order: docs/design/fork-server.md.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

MESSAGE_BYTES_MAX = 64 * 1024
DESCRIPTOR_COUNT = 3
"""Standard input, output and error of the eye, in this order, with each request."""
_Id = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Argument = Annotated[str, msgspec.Meta(max_length=4096, pattern=r"^[^\x00]*$")]
_Arguments = Annotated[list[_Argument], msgspec.Meta(min_length=1, max_length=64)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Start an eye: `argv` is what would follow `polewatch eye`; `id` comes back in the reply."""

    id: _Id
    argv: _Arguments


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of four things, told apart by what is there.

    `ready` and the fork server's own `pid`, once, first of all; `id` and the `pid` of the eye
    that was begun for it; `id` (where it could be read) and the `error` that kept one from
    beginning; `pid` and either `exit` (its code) or `signal` (what killed it) of one that ended.
    """

    ready: bool = False
    id: int | None = None
    pid: int | None = None
    exit: int | None = None
    signal: int | None = None
    error: str | None = None


class _AnyId(msgspec.Struct):
    id: _Id


_encoder = msgspec.json.Encoder()
_requests = msgspec.json.Decoder(Request)
_replies = msgspec.json.Decoder(Reply)
_ids = msgspec.json.Decoder(_AnyId)


def encode(message: Request | Reply) -> bytes:
    """Write one message."""
    return _encoder.encode(message)


def parse_request(data: bytes) -> Request | Reply:
    """Understand a request; what is none comes back as the reply that refuses it."""
    try:
        return _requests.decode(data)
    except (msgspec.DecodeError, RecursionError) as exc:
        return Reply(id=_find_id(data), error=f"not a request: {exc}")


def parse_reply(data: bytes) -> Reply:
    """Understand a reply.

    Raises:
        ValueError: it is none.
    """
    return _replies.decode(data)


def _find_id(data: bytes) -> int | None:
    try:
        return _ids.decode(data).id
    except (msgspec.DecodeError, RecursionError):
        return None
