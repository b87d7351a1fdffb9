"""Whether and how an answer goes out compressed; pure."""

from __future__ import annotations

import re
import zlib

GZIP = "gzip"
WORTH_BYTES = 256
"""What is shorter gains less than the header that says so."""
_LEVEL = 6
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_READ_MAX = 500
"""Characters of the header; what browsers send is below 50."""
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a caller can read gzip; without the header he is sent plain bytes.

    Source: RFC 9110 §12.5.3.
    """
    weights = {}
    for part in accept_encoding[:_READ_MAX].lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        said = next((found[1] for p in parameters if (found := _WEIGHT.fullmatch(p))), "1")
        weights[name] = float(said)
    weight = next((weights[name] for name in (GZIP, "x-gzip", "*") if name in weights), 0.0)
    return weight > 0


def compress(body: bytes) -> bytes:
    """Write a body as gzip; the same body always gives the same bytes."""
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP_WINDOW)
    return packer.compress(body) + packer.flush()


class Inflation:
    """Reads gzip from somebody who is not trusted: never more comes out than is allowed.

    A body of 2 MiB can hold 2 GiB of zeros; what is behind the limit is never made.
    """

    def __init__(self, bytes_max: int) -> None:
        """`bytes_max` bounds what comes out in all."""
        self._unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW)
        self._left_bytes = bytes_max

    @property
    def is_whole(self) -> bool:
        """Whether the end has come, with a checksum that is right, and nothing behind it."""
        return self._unpacker.eof and not self._unpacker.unused_data

    def add(self, chunk: bytes) -> bytes | None:
        """Read on; None where more comes out than is allowed.

        Raises:
            ValueError: it is no gzip, or was changed.
        """
        try:
            out = self._unpacker.decompress(chunk, self._left_bytes + 1)
        except zlib.error as exc:
            raise ValueError(str(exc)) from exc
        self._left_bytes -= len(out)
        return out if self._left_bytes >= 0 else None
