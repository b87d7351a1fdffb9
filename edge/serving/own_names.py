"""What this machine is called on its network: for its certificate, and to know who is meant."""

from __future__ import annotations

import ipaddress
import socket

_ANYWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses for documents (RFC 5737, RFC 3849): a route to them is a route to the world."""


def find_own_names(listen: str, name: str) -> frozenset[str]:
    """Names in lower case: the host that is listened on, the server's own name, the machine's.

    `listen` is HOST:PORT. Addresses stand without brackets; 0.0.0.0 and :: are none.
    """
    machine = socket.gethostname().lower()
    host = listen.rpartition(":")[0].lower().strip("[]")
    names = {name.lower(), machine, f"{machine}.local", "localhost"}
    return frozenset(names if host in ("0.0.0.0", "::") else names | {host})


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
