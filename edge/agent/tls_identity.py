"""Who the pole is under TLS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsBinding:
    """What binds a certificate to the pole: a statement in canonical JSON, signed by its key.

    `certificate_sha256` is that of the certificate's DER, hex; `signature` is base64 (Ed25519).
    """

    certificate_sha256: str
    statement: str
    signature: str
