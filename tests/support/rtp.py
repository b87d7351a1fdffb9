"""H.264 access units of a file, and their RTP packets (RFC 6184: single NAL units and FU-A)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

CLOCK_HZ = 90_000
PAYLOAD_TYPE = 96
PAYLOAD_BYTES_MAX = 1400
"""Below an Ethernet frame, as cameras keep it also over TCP."""
SSRC = 0x50_4F_4C_45

SPS, PPS, FU_A = 7, 8, 28


@dataclass(frozen=True, slots=True)
class Unit:
    """One coded picture: its NAL units without parameter sets or start codes.

    `pts_90k` counts from the clip's first picture; `parameter_sets` go before every keyframe.
    """

    nals: tuple[bytes, ...]
    pts_90k: int
    is_keyframe: bool
    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip ready to be sent, with what its SDP needs."""

    units: tuple[Unit, ...]
    sps: bytes
    pps: bytes
    frame_90k: int

    @property
    def gop_count(self) -> int:
        """Pictures before the second keyframe; all of them where there is no second."""
        later = (i for i, unit in enumerate(self.units) if i and unit.is_keyframe)
        return next(later, len(self.units))


def split_nals(annex_b: bytes) -> list[bytes]:
    """Cut a byte stream at its start codes; a NAL unit itself never ends with a zero byte."""
    return [nal for part in annex_b.split(b"\0\0\1") if (nal := part.rstrip(b"\0"))]


def nal_type(nal: bytes) -> int:
    """Return the H.264 NAL unit type."""
    return nal[0] & 0x1F


def load_clip(path: Path) -> Clip:
    """Read all pictures of an H.264 file.

    Raises:
        ValueError: the file is not H.264 or has no parameter sets.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name != "h264" or stream.time_base is None:
            raise ValueError(f"{path.name}: not H.264")
        frame_90k = round(CLOCK_HZ / (stream.average_rate or 25))
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        ticks = float(stream.time_base * CLOCK_HZ)
        packets = [out for p in container.demux(stream) for out in to_annex_b.filter(p)]
    units: list[Unit] = []
    sets: tuple[bytes, ...] = ()
    for packet in packets:
        nals = split_nals(bytes(packet))
        sets = tuple(n for n in nals if nal_type(n) in {SPS, PPS}) or sets
        pictures = tuple(n for n in nals if nal_type(n) not in {SPS, PPS})
        pts = len(units) * frame_90k if packet.pts is None else round(packet.pts * ticks)
        units.append(Unit(pictures, pts, packet.is_keyframe, sets))
    sps = next((n for n in sets if nal_type(n) == SPS), None)
    pps = next((n for n in sets if nal_type(n) == PPS), None)
    if sps is None or pps is None:
        raise ValueError(f"{path.name}: no parameter sets")
    return Clip(tuple(units), sps, pps, frame_90k)


def rtp_payloads(nal: bytes) -> Iterator[bytes]:
    """Give a NAL unit as one payload, or as FU-A fragments where it is too long."""
    if len(nal) <= PAYLOAD_BYTES_MAX:
        yield nal
        return
    indicator = bytes([(nal[0] & 0xE0) | FU_A])
    step = PAYLOAD_BYTES_MAX - 2
    for start in range(1, len(nal), step):
        is_first, is_last = start == 1, start + step >= len(nal)
        header = (is_first << 7) | (is_last << 6) | nal_type(nal)
        yield indicator + bytes([header]) + nal[start : start + step]


def rtp_packet(payload: bytes, *, sequence: int, rtp_time: int, has_marker: bool) -> bytes:
    """Put the RTP header before a payload (RFC 3550 §5.1); numbers wrap."""
    kind = (has_marker << 7) | PAYLOAD_TYPE
    header = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, rtp_time & 0xFFFFFFFF, SSRC)
    return header + payload


def interleaved(packet: bytes, *, channel: int) -> bytes:
    """Frame a packet for the RTSP connection (RFC 2326 §10.12)."""
    return struct.pack("!cBH", b"$", channel, len(packet)) + packet
