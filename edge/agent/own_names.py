"""What this pole is called on its network: the names its certificate and its server answer to."""

from __future__ import annotations

import socket

from edge.config.model import Config


def find_own_names(config: Config) -> frozenset[str]:
    """The pole's names in lower case: the host it listens on, its id, the machine's name."""
    machine = socket.gethostname().lower()
    listen = config.api.listen.rpartition(":")[0].lower()
    return frozenset({listen, config.pole.id.lower(), machine, f"{machine}.local", "localhost"})
