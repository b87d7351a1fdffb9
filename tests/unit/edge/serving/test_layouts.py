from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ValidationError
from edge.model import KeptMedia
from edge.serving.layouts import lasting_headers, lay_out

SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def kept(size_bytes: int = 100, type: str = "video/mp4") -> KeptMedia:
    return KeptMedia(SHA256, size_bytes, type, Path("media/e3") / SHA256, frozenset({"yard"}))


def test_headers_name_the_whole_file() -> None:
    headers = lasting_headers(kept())

    assert headers["ETag"] == f'"{SHA256}"'
    assert headers["Repr-Digest"] == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    assert headers["Content-Disposition"] == 'inline; filename="e3b0c44298fc1c14.mp4"'


@pytest.mark.parametrize("type", ["text/html", "image/svg+xml", "application/pdf", "video/webm"])
def test_file_is_to_be_saved_when_its_type_is_not_one_of_ours(type: str) -> None:
    layout = lay_out(kept(type=type), "")

    assert layout.headers["Content-Type"] == "application/octet-stream"
    assert layout.headers["Content-Disposition"].startswith("attachment;")


def test_answer_is_whole_partial_or_multipart_by_what_is_asked_for() -> None:
    assert lay_out(kept(), "").status == 200
    one = lay_out(kept(), "bytes=10-19")
    assert one.status == 206
    assert one.headers["Content-Range"] == "bytes 10-19/100"
    assert one.size_bytes == 10
    several = lay_out(kept(), "bytes=0-0,50-59")
    assert several.headers["Content-Type"] == f"multipart/byteranges; boundary={SHA256[:32]}"
    assert "Content-Range" not in several.headers


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)).map(sorted), max_size=10))
def test_size_is_that_of_the_body(bounds: list[list[int]]) -> None:
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in bounds)
    content = bytes(range(100))
    try:
        layout = lay_out(kept(), header)
    except ValidationError:
        return
    body = b"".join(part.head + content[part.span.first : part.span.end] for part in layout.parts)

    assert len(body + layout.tail) == layout.size_bytes
