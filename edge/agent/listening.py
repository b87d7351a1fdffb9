"""How the pole's API listens, as its configuration has it."""

from __future__ import annotations

from pathlib import Path

from edge.config.model import Config
from edge.serving.door import Listening


def find_listening(config: Config, *, tls_folder: Path, config_folder: Path) -> Listening:
    """Say how to listen.

    Args:
        config: the pole's.
        tls_folder: where key and certificate lie.
        config_folder: where `station_ca` lies.
    """
    api = config.api
    ca = None if api.station_ca is None else config_folder / api.station_ca
    return Listening(api.listen, config.pole.id, api.has_tls, tls_folder, ca)
