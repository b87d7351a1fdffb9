"""Which bytes of a file a caller wants: Range as RFC 9110 has it; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edge.errors import Fault, ValidationError

PARTS_MAX = 8
"""Parts in one answer, after those that overlap have been joined."""
SPECS_MAX = 64
"""Ranges that are looked at; a header with more is refused unread (CVE-2011-3192)."""
_DIGITS_MAX = 18
"""A longer number lies beyond the end of any file."""
_SPEC = re.compile(r"([0-9]*)-([0-9]*)")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file: from `first`, up to but without `end`."""

    first: int
    end: int

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return self.end - self.first

    def content_range(self, size_bytes: int) -> str:
        """As `Content-Range` names it, of a file of this size."""
        return f"bytes {self.first}-{self.end - 1}/{size_bytes}"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart answer: what stands before its bytes, and which they are."""

    head: bytes
    span: Span


def parse_ranges(header: str, size_bytes: int) -> tuple[Span, ...]:
    """Understand a Range header.

    Args:
        header: its value; empty where there is none.
        size_bytes: of the file.

    Returns:
        What is wanted, in rising order, none touching another. Empty: the whole file, as no part
        of it was asked for, or in a unit that is none of ours.

    Raises:
        ValidationError: it is malformed, asks for nothing that is there, or for too many parts.

    Source: RFC 9110 §14.1.2, §14.2; joined as in §15.3.7.2.
    """
    unit, equals, listed = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return ()
    if listed.count(",") >= SPECS_MAX:
        raise _refused(f"more than {SPECS_MAX} ranges")
    wanted = [spec for each in listed.split(",") if (spec := each.strip(" \t"))]
    if not wanted:
        raise _refused("no range in it")
    spans = [span for spec in wanted if (span := _parse_spec(spec, size_bytes)) is not None]
    if not spans:
        raise _refused("nothing of it is in the file")
    joined = _join(spans)
    if len(joined) > PARTS_MAX:
        raise _refused(f"more than {PARTS_MAX} separate ranges")
    return joined


def lay_out_parts(
    spans: Sequence[Span], *, size_bytes: int, type: str, boundary: str
) -> tuple[tuple[Part, ...], bytes]:
    """Lay out an answer of several parts.

    Args:
        spans: two or more.
        size_bytes: of the file.
        type: of the file.
        boundary: a text that is not in the file.

    Returns:
        The parts, and the bytes after the last one.

    Source: RFC 9110 §14.6; RFC 2046 §5.1.1.
    """
    parts = tuple(
        Part(
            f"\r\n--{boundary}\r\nContent-Type: {type}\r\n"
            f"Content-Range: {span.content_range(size_bytes)}\r\n\r\n".encode(),
            span,
        )
        for span in spans
    )
    return parts, f"\r\n--{boundary}--\r\n".encode()


def _parse_spec(spec: str, size_bytes: int) -> Span | None:
    """Understand one range; None where nothing of it is in the file."""
    found = _SPEC.fullmatch(spec)
    if not found or spec == "-":
        raise _refused("not of the form first-last, first- or -count")
    first, last = found[1], found[2]
    if not first:
        count = min(_number(last), size_bytes)
        return Span(size_bytes - count, size_bytes) if count else None
    if last and _number(last) < _number(first):
        raise _refused("a range that ends before it begins")
    end = min(_number(last) + 1, size_bytes) if last else size_bytes
    return Span(_number(first), end) if _number(first) < end else None


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _DIGITS_MAX else 10**_DIGITS_MAX


def _join(spans: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.first):
        if joined and span.first <= joined[-1].end:
            joined[-1] = Span(joined[-1].first, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def _refused(problem: str) -> ValidationError:
    return ValidationError([Fault("Range", problem, "ask for bytes=FIRST-LAST")])
