"""What is refused before anybody asks who is asking: foreign names, strange and large bodies."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

from aiohttp import web

from edge.serving.problems import Problem

BODY_BYTES_MAX = 64 * 1024
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?")


def check_request(request: web.Request, names: Collection[str], *, on_loopback: bool) -> None:
    """Refuse a request that this server should not look at.

    Args:
        request: as it came.
        names: the server's own names, in lower case.
        on_loopback: it listens for this machine only, so that only names of loopback can be meant:
            a page from elsewhere whose name was pointed here must reach nothing (DNS rebinding).

    Raises:
        Problem: 400 without one host, 413, 415, 421 for a host that is not this one.

    Source: RFC 9112 §3.2.2 (a target that names its host), §6.1 (codings).
    """
    hosts = request.headers.getall("Host", [])
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if found is None:
        raise Problem(400, "the Host header must be there once, as HOST or HOST:PORT")
    host = found[1].lower()
    if not request.raw_path.startswith(("/", "*")) and not _names_host(request.raw_path, hosts[0]):
        raise Problem(421, "the address asked for and the Host header differ; send a path alone")
    is_own = host in LOOPBACK_NAMES or (not on_loopback and (host in names or _is_address(host)))
    if not is_own:
        raise Problem(421, "this server does not go by that name; use its address")
    coding = request.headers.get("Transfer-Encoding", "chunked").strip().lower()
    if "Content-Encoding" in request.headers or coding != "chunked":
        raise Problem(415, "compressed bodies are not read; send it as it is")
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise Problem(413, f"the body is larger than {BODY_BYTES_MAX} bytes; send less at once")


def _names_host(target: str, host: str) -> bool:
    """Whether a target in absolute form is of this very host, without a name and password."""
    _, _, rest = target.partition("://")
    return re.split("[/?#]", rest, maxsplit=1)[0].lower() == host.lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
