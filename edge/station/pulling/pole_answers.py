"""What a pole's answers say: bytes in, typed values out; everything in them is doubted; pure.

Records stay the bytes that came, so that their hashes can be checked (`chain.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from edge.errors import PoleWrong, ValidationError
from edge.evidence import SignedStatement, Statement
from edge.feeds import FEEDS, Cursor, Feed, parse_cursor
from edge.station.ports.vault import Identity
from edge.station.pulling.ports import FeedPage, PoleHealth, Who
from edge.wire import parse_utc

ITEMS_MAX = 1000
"""Records of a page, statements of an answer: what the API gives at most."""
PARTS_MAX = 200
CAMERAS_MAX = 64
SHOWN_MAX = 300
"""Characters of a pole's own words that are passed on to people."""
_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4)."""
_KEY_BYTES = 32
_SEQ_MAX = 10**15
_PEM_HEAD, _PEM_TAIL = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"

_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Short = Annotated[str, Meta(max_length=128)]
_Text = Annotated[str, Meta(max_length=4096)]
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
_Epoch = Annotated[str, Meta(pattern=r"^[0-9a-z]{1,32}$")]
_Seq = Annotated[int, Meta(ge=0, le=_SEQ_MAX)]
_Answer = TypeVar("_Answer")


class _Page(msgspec.Struct):
    items: Annotated[list[msgspec.Raw], Meta(max_length=ITEMS_MAX)]
    next: _Short
    oldest: _Short
    more: bool


class _Key(msgspec.Struct):
    pem: _Text


class _Head(msgspec.Struct):
    head: _Seq


class _Position(msgspec.Struct):
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]


class _Pole(msgspec.Struct):
    id: _Id
    epoch: _Epoch
    at: _Short
    key: _Key
    feeds: dict[_Short, _Head]
    cameras: Annotated[list[_Short], Meta(max_length=CAMERAS_MAX)]
    version: _Short = ""
    position: _Position | None = None


class _Session(msgspec.Struct):
    name: _Short
    scopes: Annotated[list[_Short], Meta(max_length=32)]
    cameras: list[_Short] | None = None


class _Part(msgspec.Struct):
    kind: _Short
    name: _Short | None
    ok: bool
    reason: _Text | None = None


class _Health(msgspec.Struct):
    ok: bool
    parts: Annotated[list[_Part], Meta(max_length=PARTS_MAX)] = []


class _Statement(msgspec.Struct):
    kind: Literal["head", "checkpoint"]
    pole: _Id
    epoch: _Epoch
    feed: _Short
    seq: _Seq
    hash: _Hash
    at: _Short
    key: _Short
    signature: _Short


class _Statements(msgspec.Struct):
    items: Annotated[list[_Statement], Meta(max_length=ITEMS_MAX)]
    next: _Seq
    more: bool


class _Problem(msgspec.Struct):
    detail: str = ""
    oldest: str | None = None


def parse_page(body: bytes) -> FeedPage:
    """Understand a page of a feed; its records are not looked into.

    Raises:
        PoleWrong: it is none.
    """
    page = _decode(_Page, body, "a page of a feed")
    following, oldest = parse_cursor(page.next), parse_cursor(page.oldest)
    if following is None or oldest is None:
        _refuse("a page of a feed", "`next` or `oldest` is no cursor")
    items = tuple(bytes(item) for item in page.items)
    return FeedPage(items, following, oldest, page.more)


def parse_who(pole: bytes, session: bytes) -> tuple[Who, frozenset[str], bool]:
    """Understand what a pole says of itself and of our token.

    Args:
        pole: its answer to /v1/pole.
        session: its answer to /v1/session.

    Returns:
        Who it is; what our token allows there; whether it does so for all cameras.

    Raises:
        PoleWrong: one of them is no such answer, or its key is none.
    """
    about = _decode(_Pole, pole, "/v1/pole")
    ours = _decode(_Session, session, "/v1/session")
    raw = _read_key(about.key.pem)
    try:
        at_ms = parse_utc(about.at)
    except (ValidationError, OverflowError):
        _refuse("/v1/pole", "`at` is no time")
    place = about.position
    identity = Identity(
        pole_id=about.id,
        key_sha256=hashlib.sha256(raw).hexdigest(),
        key_pem=_write_key(raw),
        token_name=ours.name,
        position=None if place is None else {"lat": place.lat, "lon": place.lon},
        cameras=tuple(about.cameras),
        version=shorten(about.version),  # it goes into the log
    )
    heads: Mapping[Feed, int] = {
        feed: about.feeds[feed].head for feed in FEEDS if feed in about.feeds
    }
    return Who(identity, about.epoch, at_ms, heads), frozenset(ours.scopes), ours.cameras is None


def parse_health(body: bytes) -> PoleHealth:
    """Understand what a pole says of its health.

    Raises:
        PoleWrong: it is no such answer.
    """
    health = _decode(_Health, body, "/v1/health")
    unwell = tuple(
        f"{part.kind} {part.name or ''}".strip()
        + (f": {shorten(part.reason)}" if part.reason else "")
        for part in health.parts
        if not part.ok
    )
    cameras = tuple(part.name for part in health.parts if part.kind == "camera" and part.name)
    return PoleHealth(health.ok, unwell, cameras)


def parse_statements(body: bytes) -> tuple[list[SignedStatement], int, bool]:
    """Understand what a pole has signed; nothing is checked yet.

    Returns:
        The statements, the seq to go on from, and whether there are more.

    Raises:
        PoleWrong: it is no such answer.
    """
    found = _decode(_Statements, body, "a list of statements")
    signed = [
        SignedStatement(
            Statement(each.kind, each.pole, each.epoch, each.feed, each.seq, each.hash, each.at),
            each.key,
            each.signature,
        )
        for each in found.items
    ]
    return signed, found.next, found.more


def parse_problem(body: bytes) -> tuple[str, Cursor | None]:
    """Read what a pole says of a request that it does not answer; empty where it says nothing.

    Returns:
        Its words, short enough to be passed on, and the cursor from which a feed can be had.
    """
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", None
    return shorten(problem.detail), parse_cursor(problem.oldest) if problem.oldest else None


def shorten(text: str) -> str:
    """Make a pole's words fit for a log line and a desk: one line without control characters."""
    plain = "".join(mark if mark.isprintable() else " " for mark in text[: 2 * SHOWN_MAX])
    return plain if len(plain) <= SHOWN_MAX else plain[: SHOWN_MAX - 1] + "…"


def _decode(shape: type[_Answer], body: bytes, what: str) -> _Answer:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        _refuse(what, shorten(str(exc)))


def _refuse(what: str, why: str) -> NoReturn:
    raise PoleWrong(
        f"its answer is not {what} as a pole gives it ({why}); look at what answers at this address"
    )


def _read_key(pem: str) -> bytes:
    """The 32 bytes of an Ed25519 key.

    Raises:
        PoleWrong: it is none.
    """
    lines = pem.strip().splitlines()
    if len(lines) > 2 and lines[0] == _PEM_HEAD and lines[-1] == _PEM_TAIL:  # noqa: PLR2004
        try:
            der = base64.b64decode("".join(lines[1:-1]), validate=True)
        except (binascii.Error, ValueError):
            der = b""
        if der.startswith(_SPKI_ED25519) and len(der) == len(_SPKI_ED25519) + _KEY_BYTES:
            return der[len(_SPKI_ED25519) :]
    _refuse("/v1/pole", "`key` is no Ed25519 key in PEM")


def _write_key(raw: bytes) -> str:
    text = base64.b64encode(_SPKI_ED25519 + raw).decode()
    return f"{_PEM_HEAD}\n{text}\n{_PEM_TAIL}\n"
