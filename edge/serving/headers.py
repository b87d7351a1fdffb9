"""What every response of ours says, so that a browser keeps to it."""

from __future__ import annotations

from aiohttp import web

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_BARE_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Of JSON, which does nothing in a window of its own. The other is a sixth of an alert's bytes."""
_ALWAYS = {
    "Server": "polewatch",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def harden(response: web.StreamResponse) -> None:
    """Add what all responses say; a resource may have set its own policy and caching."""
    response.headers.update(_ALWAYS)
    is_data = response.content_type.endswith("json")
    policy = _BARE_POLICY if is_data else POLICY  # a 304, which has no type, may be of a page
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Cache-Control", "no-store")
