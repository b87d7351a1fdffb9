"""The certificates by which a pole knows its stations: a PEM file beside the configuration."""

from __future__ import annotations

import ssl
from pathlib import Path

from edge.errors import Fault

FILE_BYTES_MAX = 1024 * 1024
CRL_MARK = "-----BEGIN X509 CRL-----"


def read_station_ca(path: Path) -> str:
    """Read the file as PEM text that OpenSSL takes.

    Raises:
        ValueError: it can't be read, or holds no certificate; the message says which.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as exc:
        raise ValueError(f"can't be read: {exc.strerror}") from exc
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"is longer than {FILE_BYTES_MAX} bytes")
    try:
        text = content.decode("ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_verify_locations(cadata=_certificates(text))
    except (UnicodeDecodeError, ssl.SSLError) as exc:
        raise ValueError("holds no certificates in PEM that can be read") from exc
    return text


def find_station_ca_fault(path: Path) -> Fault | None:
    """Say what is wrong with the file; the fault's path is empty."""
    try:
        read_station_ca(path)
    except ValueError as exc:
        return Fault("", str(exc), "put the station's CA there as PEM")
    return None


def _certificates(text: str) -> str:
    """The part before revocation lists, which OpenSSL takes from a file only.

    Raises:
        ssl.SSLError: there is none.
    """
    found = text.partition(CRL_MARK)[0]
    if "-----BEGIN CERTIFICATE-----" not in found:
        raise ssl.SSLError("no certificate")
    return found
