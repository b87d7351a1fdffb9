"""Reads just enough of H.264 / H.265 bytes to notice that a stream changed its parameters."""

from __future__ import annotations

from collections.abc import Iterator

_H264_SETS = frozenset({7, 8})
"""SPS, PPS (H.264 table 7-1)."""
_HEVC_SETS = frozenset({32, 33, 34})
"""VPS, SPS, PPS (H.265 table 7-1)."""
_START = b"\x00\x00\x01"
_SETS_BYTES_MAX = 4096
"""Parameter sets stand first in an access unit; what lies further in is picture data."""


def is_annex_b(data: bytes) -> bool:
    """Tell start codes (RTSP, raw streams) from length prefixes (MP4, Matroska)."""
    return data.startswith((_START, b"\x00" + _START))


def parse_parameter_sets(data: bytes, codec: str) -> bytes:
    """Collect the parameter sets at the head of an Annex B access unit.

    Args:
        data: one packet with start codes.
        codec: "h264" or "hevc".

    Returns:
        The sets in order, each with a start code; empty when the packet carries none.
    """
    wanted = _H264_SETS if codec == "h264" else _HEVC_SETS
    return b"".join(
        _START + unit
        for unit in _units(data[:_SETS_BYTES_MAX])
        if unit and _unit_type(unit[0], codec) in wanted
    )


def _unit_type(first: int, codec: str) -> int:
    return first & 0x1F if codec == "h264" else (first >> 1) & 0x3F


def _units(data: bytes) -> Iterator[bytes]:
    begin = data.find(_START)
    while begin >= 0:
        end = data.find(_START, begin + 3)
        unit = data[begin + 3 : end if end >= 0 else len(data)]
        yield unit.rstrip(b"\x00") if end >= 0 else unit
        begin = end
