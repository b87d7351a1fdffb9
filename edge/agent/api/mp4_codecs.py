"""What a fragmented MP4 says of its codec, in the words that browsers ask for; pure.

Source: RFC 6381 §3.3; ISO/IEC 14496-15 §5.3.3 (avcC), §8.3.3 and annex E.3 (hvcC).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

HEAD_BYTES_MAX = 256 * 1024
"""A camera's `ftyp` and `moov` are about 1 KiB."""
_BOX_HEAD_BYTES = 8
_WAY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_STSD_HEAD_BYTES = 8
_VISUAL_ENTRY_BYTES = 78
"""Of a sample entry before the boxes in it (ISO/IEC 14496-12 §12.1.3)."""
_AVC_RECORD_BYTES, _HEVC_RECORD_BYTES = 4, 13
"""Of each codec's record, what its name is made of."""
_TIERS = "LH"
_SPACES = ("", "A", "B", "C")


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    body: bytes


def head_bytes(begun: bytes) -> int | None:
    """Say how long the head of an MP4 is, up to the end of its `moov`.

    Returns:
        Bytes from the start; None while there is too little to tell.

    Raises:
        ValueError: this is no MP4, or its head is longer than any camera's.
    """
    at = 0
    while at + _BOX_HEAD_BYTES <= len(begun):
        size = int.from_bytes(begun[at : at + 4], "big")
        if size < _BOX_HEAD_BYTES or at + size > HEAD_BYTES_MAX:
            raise ValueError("no MP4 that begins with its head")
        kind = begun[at + 4 : at + 8]
        at += size
        if kind == b"moov":
            return at if at <= len(begun) else None
    return None


def find_codec(head: bytes) -> str | None:
    """Name the codec of the first track, such as `avc1.64001F`.

    Args:
        head: `ftyp` and `moov`, whole.

    Returns:
        The name for the `codecs` of a media type; None for one that is not known here.
    """
    body = head
    for kind in _WAY:
        found = next((box for box in _boxes(body) if box.kind == kind), None)
        if found is None:
            return None
        body = found.body
    entry = next(_boxes(body[_STSD_HEAD_BYTES:]), None)
    if entry is None:
        return None
    for box in _boxes(entry.body[_VISUAL_ENTRY_BYTES:]):
        if box.kind == b"avcC" and len(box.body) >= _AVC_RECORD_BYTES:
            return f"{_text(entry.kind)}.{box.body[1:4].hex().upper()}"
        if box.kind == b"hvcC" and len(box.body) >= _HEVC_RECORD_BYTES:
            return f"{_text(entry.kind)}.{_name_hevc(box.body)}"
    return None


def _name_hevc(record: bytes) -> str:
    """Profile, compatibility with its bits reversed, tier and level, constraints without zeros."""
    space, tier, profile = record[1] >> 6, record[1] >> 5 & 1, record[1] & 31
    compatibility = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    constraints = record[6:12].rstrip(b"\0")
    parts = [f"{_SPACES[space]}{profile}", f"{compatibility:X}", f"{_TIERS[tier]}{record[12]}"]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def _boxes(body: bytes) -> Iterator[_Box]:
    """The boxes of a body; one that is damaged ends them."""
    at = 0
    while at + _BOX_HEAD_BYTES <= len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        if size < _BOX_HEAD_BYTES or at + size > len(body):
            return
        yield _Box(body[at + 4 : at + 8], body[at + _BOX_HEAD_BYTES : at + size])
        at += size


def _text(kind: bytes) -> str:
    return kind.decode("ascii", "replace")
