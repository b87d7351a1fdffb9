"""What went wrong, as RFC 9457 has it: `application/problem+json`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from edge.model import Json

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that can't be answered as asked; the middleware turns it into a response."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, Json] | None = None,
    ) -> None:
        """`detail` says what is wrong and what would be right; `fields` go beside it."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.fields = dict(fields or {})

    def response(self) -> web.Response:
        """Make the response."""
        body: dict[str, Json] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.fields,
        }
        return web.Response(
            status=self.status,
            body=msgspec.json.encode(body),
            headers={**self.headers, "Cache-Control": "no-store"},
            content_type=CONTENT_TYPE,
        )
