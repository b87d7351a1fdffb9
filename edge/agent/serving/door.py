"""Where the API listens and how its connections are protected, as the configuration has it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.serving.own_names import find_own_addresses, find_own_names
from edge.agent.serving.patience import Patience
from edge.agent.serving.tls_identity import (
    TlsBinding,
    bind,
    load_or_make_identity,
    make_tls_context,
)
from edge.config.model import Config


@dataclass(frozen=True, slots=True)
class Door:
    """One server's address; `tls` None: in plain. `binding` is what the pole says of it."""

    listen: str
    tls: ssl.SSLContext | None = None
    binding: TlsBinding | None = None
    patience: Patience = field(default_factory=Patience)


def make_door(
    config: Config, key: Ed25519PrivateKey, *, tls_folder: Path, config_folder: Path
) -> Door:
    """Make what `serve` needs; at the first start with TLS this makes its key and certificate.

    Args:
        config: the pole's.
        key: of the device, which speaks for the certificate.
        tls_folder: where key and certificate lie.
        config_folder: where `station_ca` lies.

    Raises:
        StoreError: key or certificate can't be kept or read.
        ValidationError: `station_ca` can't be read.
    """
    api = config.api
    if not api.has_tls:
        return Door(api.listen)
    names = find_own_names(config) | find_own_addresses()
    identity = load_or_make_identity(tls_folder, config.pole.id, names)
    station_ca = None if api.station_ca is None else config_folder / api.station_ca
    binding = bind(identity, config.pole.id, key)
    return Door(api.listen, make_tls_context(identity, station_ca), binding)
