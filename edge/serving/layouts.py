"""How a file goes out: status, headers, and which bytes stand where in the body; pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from edge.model import KeptMedia
from edge.serving.ranges import Part, Span, lay_out_parts, parse_ranges

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4"}
"""What is shown in place; anything else goes out as bytes to be saved."""
FILE_POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
)
"""For one who opens it in a window of its own: nothing in it can run."""


@dataclass(frozen=True, slots=True)
class Layout:
    """An answer: parts of the file, what stands before each, and what stands at the end."""

    status: int
    headers: dict[str, str]
    parts: Sequence[Part]
    tail: bytes = b""

    @property
    def size_bytes(self) -> int:
        """Of the whole body."""
        return sum(len(part.head) + part.span.size_bytes for part in self.parts) + len(self.tail)


def tag_of(kept: KeptMedia) -> str:
    """The file's strong entity tag: its hash, in quotes."""
    return f'"{kept.sha256}"'


def lasting_headers(kept: KeptMedia) -> dict[str, str]:
    """What is true of the file, whichever part of it is sent; it never changes.

    A browser may keep it, and asks each time whether its user still may see it: nobody is shown
    what the one before at this desk was allowed, or what had to be deleted.

    Source: RFC 9110 §8.8.3 and §12.5.5, RFC 9530 §3 (Repr-Digest), RFC 6266.
    """
    digest = base64.b64encode(bytes.fromhex(kept.sha256)).decode()
    ending = _ENDINGS.get(kept.type)
    name = f"{kept.sha256[:16]}.{ending or 'bin'}"
    return {
        "ETag": tag_of(kept),
        "Repr-Digest": f"sha-256=:{digest}:",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
        "Content-Disposition": f'{"inline" if ending else "attachment"}; filename="{name}"',
        "Content-Security-Policy": FILE_POLICY,
    }


def lay_out(kept: KeptMedia, ranges: str) -> Layout:
    """Lay out the answer to a Range header; empty: the whole file.

    Raises:
        ValidationError: the ranges can't be met.
    """
    kind = kept.type if kept.type in _ENDINGS else "application/octet-stream"
    headers = lasting_headers(kept) | {"Content-Type": kind}
    spans = parse_ranges(ranges, kept.size_bytes)
    if not spans:
        return Layout(200, headers, [Part(b"", Span(0, kept.size_bytes))])
    if len(spans) == 1:
        headers["Content-Range"] = spans[0].content_range(kept.size_bytes)
        return Layout(206, headers, [Part(b"", spans[0])])
    boundary = kept.sha256[:32]  # nobody makes a file that holds its own hash
    headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
    parts, tail = lay_out_parts(spans, size_bytes=kept.size_bytes, type=kind, boundary=boundary)
    return Layout(206, headers, parts, tail)
