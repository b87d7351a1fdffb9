"""What this pole is called on its network: what its certificate says and its server answers to."""

from __future__ import annotations

import ipaddress
import socket

from edge.config.model import Config

_ANYWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses for documents (RFC 5737, RFC 3849): a route to them is a route to the world."""


def find_own_names(config: Config) -> frozenset[str]:
    """The pole's names in lower case: the host it listens on, its id, the machine's name.

    Addresses stand without brackets; 0.0.0.0 and :: are none.
    """
    machine = socket.gethostname().lower()
    listen = config.api.listen.rpartition(":")[0].lower().strip("[]")
    names = {config.pole.id.lower(), machine, f"{machine}.local", "localhost"}
    return frozenset(names if listen in ("0.0.0.0", "::") else names | {listen})


def find_own_addresses() -> frozenset[str]:
    """The machine's addresses, as far as its routes tell; loopback is always there."""
    found = {"127.0.0.1", "::1"}
    for target, family in _ANYWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))  # looks up the route, sends nothing
                found.add(str(ipaddress.ip_address(probe.getsockname()[0].partition("%")[0])))
        except OSError:
            continue
    return frozenset(found)
