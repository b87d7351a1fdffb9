"""The hash chain: canonical bytes of records, their hashes, and signed statements about a feed.

Pure but for the signing key's own file format. Anyone can check the same with a SHA-256 and an
Ed25519 of their own; docs/design/records.md says how.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.errors import EvidenceError
from edge.model import Json

START_HASH = "0" * 64
"""`prev` of the first record of a feed."""
EXACT_MAX = 2**53
"""Beyond this not every whole number is a double, and JSON readers may round (RFC 7493 §2.2)."""
_HASH_FIELD = b',"hash":"'
_HASH_FROM, _HASH_TO = -66, -2
_TAIL_BYTES = len(_HASH_FIELD) + 64 + len(b'"}')

StatementKind = Literal["head", "checkpoint"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it is stored and served: `body` ends with its own `hash` (hex)."""

    body: bytes
    hash: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a pole signs: at `seq` its feed had this hash.

    A "head" says it of the newest record, a "checkpoint" of the newest one that has left.
    """

    kind: StatementKind
    pole: str
    epoch: str
    feed: str
    seq: int
    hash: str
    at: str


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement with its signature (base64) and the id of the key that made it."""

    statement: Statement
    key: str
    signature: str


def canonical_json(value: Json) -> bytes:
    """Encode a value so that equal values have equal bytes.

    Args:
        value: what JSON knows; keys of objects are strings.

    Returns:
        UTF-8 without spaces, keys sorted by UTF-16 code units, numbers as ECMAScript writes them.

    Raises:
        EvidenceError: a number that is not finite, or no double, or half a surrogate pair.

    Source: RFC 8785 (JCS).
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError as exc:
        raise EvidenceError("text with half a surrogate pair has no canonical form") from exc


def seal(record: Mapping[str, Json]) -> Sealed:
    """Close a record: hash its canonical JSON and append the hash.

    Args:
        record: every field but `hash`; `prev` is the hash of the record before it.

    Raises:
        EvidenceError: a value without canonical form.
    """
    assert "hash" not in record
    canonical = canonical_json(dict(record))
    digest = hashlib.sha256(canonical).hexdigest()
    return Sealed(canonical[:-1] + _HASH_FIELD + digest.encode() + b'"}', digest)


def has_own_hash(body: bytes) -> bool:
    """Whether a sealed record ends with the hash of what stands before; its form is not looked at.

    Cheap, so that what a log serves can be checked each time it is read from disk.
    """
    digest = hashlib.sha256(body[:-_TAIL_BYTES] + b"}").hexdigest()
    return body[-_TAIL_BYTES:] == _HASH_FIELD + digest.encode() + b'"}'


def open_seal(body: bytes) -> dict[str, Json]:
    """Check a sealed record by its own bytes.

    Returns:
        Its fields, `hash` among them.

    Raises:
        EvidenceError: it is not canonical JSON that ends with the hash of what stands before.
    """
    if not has_own_hash(body):
        raise EvidenceError("its hash is not that of its bytes")
    canonical, digest = body[:-_TAIL_BYTES] + b"}", body[_HASH_FROM:_HASH_TO].decode()
    try:
        record = json.loads(canonical, parse_int=_parse_integer)
        is_canonical = isinstance(record, dict) and canonical_json(record) == canonical
    except EvidenceError:
        raise
    except (ValueError, OverflowError, RecursionError) as exc:
        raise EvidenceError("it is not JSON that a record can hold") from exc
    if not is_canonical:
        raise EvidenceError("it is not in canonical form")
    return {**record, "hash": digest}


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a feed's chain: what has been checked up to here."""

    epoch: str
    feed: str
    seq: int
    hash: str


def follow(last: Link, body: bytes) -> Link:
    """Check that a sealed record is the next one of its feed.

    Args:
        last: the record before it; seq 0 and `START_HASH` before the first.
        body: the record as it was stored or served.

    Raises:
        EvidenceError: it was changed, one is missing, inserted or moved, or it is of another life
            of the log.
    """
    record = open_seal(body)
    place = f"{last.feed} {last.seq + 1}"
    if record.get("epoch") != last.epoch or record.get("feed") != last.feed:
        said = f"{record.get('epoch')} {record.get('feed')}"
        raise EvidenceError(f"{place}: a record of {said} stands there")
    if record.get("seq") != last.seq + 1:
        raise EvidenceError(f"{place}: missing; {record.get('seq')} follows {last.seq}")
    if record.get("prev") != last.hash:
        raise EvidenceError(f"{place}: it does not follow the record before it")
    return Link(last.epoch, last.feed, last.seq + 1, str(record["hash"]))


def resume(last: Link, body: bytes) -> Link:
    """Go on behind a record that did not follow, by what it says of itself, to find more faults."""
    try:
        record = open_seal(body)
    except EvidenceError:
        return Link(last.epoch, last.feed, last.seq + 1, hashlib.sha256(body).hexdigest())
    seq = record.get("seq")
    return Link(
        last.epoch, last.feed, seq if isinstance(seq, int) else last.seq + 1, str(record["hash"])
    )


def key_id(public: Ed25519PublicKey) -> str:
    """Name a key: the first 16 hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def sign(statement: Statement, private: Ed25519PrivateKey) -> SignedStatement:
    """Sign a statement; the same key and statement always give the same signature."""
    signature = base64.b64encode(private.sign(statement_bytes(statement))).decode()
    return SignedStatement(statement, key_id(private.public_key()), signature)


def check_signature(signed: SignedStatement, public: Ed25519PublicKey) -> None:
    """Check that a key's owner has said this.

    Raises:
        EvidenceError: the signature is another key's, or of something else.
    """
    try:
        raw = base64.b64decode(signed.signature, validate=True)
        public.verify(raw, statement_bytes(signed.statement))
    except (ValueError, InvalidSignature) as exc:
        said = signed.statement
        raise EvidenceError(f"{said.kind} of {said.feed} at {said.seq}: forged signature") from exc


def statement_bytes(statement: Statement) -> bytes:
    """The bytes that are signed: the statement's canonical JSON."""
    return canonical_json(
        {
            "kind": statement.kind,
            "pole": statement.pole,
            "epoch": statement.epoch,
            "feed": statement.feed,
            "seq": statement.seq,
            "hash": statement.hash,
            "at": statement.at,
        }
    )


def _encode(value: Json) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=_utf16)
        return "{" + ",".join(f"{_text(key)}:{_encode(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_encode, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) <= EXACT_MAX:
        return str(value)
    return _number(value)


def _parse_integer(digits: str) -> float:
    """Read a whole number as what wrote it had it: beyond `EXACT_MAX` that was a double."""
    value = int(digits)
    return value if abs(value) <= EXACT_MAX else float(value)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _text(text: str) -> str:
    return encode_basestring(text)  # json.dumps makes an encoder at each call


def _number(value: float) -> str:
    """Write a number as ECMAScript does: shortest digits, exponents below -6 and from 21 on.

    Source: ECMA-262, Number::toString, by way of RFC 8785 §3.2.2.3.
    """
    if not isinstance(value, float) or not abs(value) <= sys.float_info.max:
        raise EvidenceError("a number that is not finite, or that JSON readers may round")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, point = _shortest(abs(value))
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004 - the standard's own bound
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:  # noqa: PLR2004
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits that read back as the value, and where its point stands in them."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    return stripped.rstrip("0"), point - (len(digits) - len(stripped))
