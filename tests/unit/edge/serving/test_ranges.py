from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ValidationError
from edge.serving.ranges import PARTS_MAX, Span, lay_out_parts, parse_ranges

sizes = st.integers(1, 2000)
bounds = st.tuples(st.integers(0, 2500), st.integers(0, 2500)).map(sorted)
specs = st.one_of(
    bounds.map(lambda pair: f"{pair[0]}-{pair[1]}"),
    st.integers(0, 2500).map(lambda first: f"{first}-"),
    st.integers(0, 2500).map(lambda count: f"-{count}"),
)


def asked_for(spec: str, size_bytes: int) -> set[int]:
    """The bytes of one range, by the standard's own words."""
    first, _, last = spec.partition("-")
    if not first:
        return set(range(max(0, size_bytes - int(last)), size_bytes))
    return set(range(int(first), min(int(last or size_bytes) + 1, size_bytes)))


@given(st.lists(specs, min_size=1, max_size=20), sizes)
def test_spans_hold_exactly_what_was_asked_for(listed: list[str], size_bytes: int) -> None:
    wanted = set().union(*(asked_for(spec, size_bytes) for spec in listed))
    try:
        spans = parse_ranges("bytes=" + ", ".join(listed), size_bytes)
    except ValidationError:
        gaps = sum(at + 1 not in wanted for at in wanted)
        assert not wanted or gaps > PARTS_MAX
        return

    assert set().union(*(range(span.first, span.end) for span in spans)) == wanted
    assert all(left.end < right.first for left, right in pairwise(spans))
    assert 1 <= len(spans) <= PARTS_MAX


@given(st.text(), sizes)
def test_range_is_met_or_refused_whatever_is_sent(header: str, size_bytes: int) -> None:
    for text in (header, f"bytes={header}"):
        try:
            spans = parse_ranges(text, size_bytes)
        except ValidationError:
            continue
        assert all(0 <= span.first < span.end <= size_bytes for span in spans)


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("", ()),
        ("lines=1-2", ()),
        ("bytes", ()),
        ("bytes=0-0", (Span(0, 1),)),
        ("Bytes=90-", (Span(90, 100),)),
        ("bytes=-5", (Span(95, 100),)),
        ("bytes=-500", (Span(0, 100),)),
        ("bytes=0-99999999999999999999999999", (Span(0, 100),)),
        ("bytes=0-1, ,\t4-5,", (Span(0, 2), Span(4, 6))),
        ("bytes=10-19,0-9", (Span(0, 20),)),
        ("bytes=5-6,200-300", (Span(5, 7),)),
    ],
)
def test_range_is_read_by_the_standard(header: str, spans: tuple[Span, ...]) -> None:
    assert parse_ranges(header, 100) == spans


@pytest.mark.parametrize(
    "header",
    [
        "bytes=", "bytes=,", "bytes=-", "bytes=100-", "bytes=-0", "bytes=5-4", "bytes=a-b",
        "bytes=1", "bytes=1-2-3", "bytes= 1 - 2", "bytes=0x1-", "bytes=٣-", "bytes=-1-",
        "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 18, 2)),
        "bytes=" + ",".join(["0-1"] * 65),
        "bytes=" + "0-," * 2000,
    ],
)  # fmt: skip
def test_range_is_refused_when_it_can_not_be_met(header: str) -> None:
    with pytest.raises(ValidationError, match="ask for bytes=FIRST-LAST"):
        parse_ranges(header, 100)


def test_parts_are_laid_out_as_mime_has_them() -> None:
    parts, tail = lay_out_parts(
        [Span(0, 2), Span(5, 6)], size_bytes=9, type="image/jpeg", boundary="cut"
    )

    assert parts[0].head == (
        b"\r\n--cut\r\nContent-Type: image/jpeg\r\nContent-Range: bytes 0-1/9\r\n\r\n"
    )
    assert parts[1].head.endswith(b"Content-Range: bytes 5-5/9\r\n\r\n")
    assert tail == b"\r\n--cut--\r\n"
