"""Where a server listens and how its connections are protected."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.serving.own_names import find_own_addresses, find_own_names
from edge.serving.patience import Patience
from edge.serving.tls_identity import (
    TlsBinding,
    bind,
    load_or_make_identity,
    make_tls_context,
)


@dataclass(frozen=True, slots=True)
class Listening:
    """How a server is to listen.

    `listen` is HOST:PORT and `name` what it is called. With TLS its key and certificate lie in
    `tls_folder`; clients then need a certificate of `client_ca`, None: none.
    """

    listen: str
    name: str
    has_tls: bool
    tls_folder: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """One server's address; `tls` None: in plain. `binding` is what its owner says of it."""

    listen: str
    tls: ssl.SSLContext | None = None
    binding: TlsBinding | None = None
    patience: Patience = field(default_factory=Patience)


def make_door(listening: Listening, key: Ed25519PrivateKey) -> Door:
    """Make what `serve` needs; at the first start with TLS this makes its key and certificate.

    Args:
        listening: as the configuration has it.
        key: of the device, which speaks for the certificate.

    Raises:
        StoreError: key or certificate can't be kept or read.
        ValidationError: `client_ca` can't be read.
    """
    if not listening.has_tls:
        return Door(listening.listen)
    names = find_own_names(listening.listen, listening.name) | find_own_addresses()
    identity = load_or_make_identity(listening.tls_folder, listening.name, names)
    binding = bind(identity, listening.name, key)
    return Door(listening.listen, make_tls_context(identity, listening.client_ca), binding)
