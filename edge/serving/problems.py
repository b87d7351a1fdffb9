"""What went wrong, as RFC 9457 has it: `application/problem+json`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from edge.errors import (
    EvidenceError,
    EyeRefused,
    EyeUnavailable,
    MediaError,
    StoreError,
    ValidationError,
)
from edge.model import Json

CONTENT_TYPE = "application/problem+json"
_SERVER_ERROR = 500
_HTTP_DETAILS = {
    404: "there is nothing at this address; /v1/openapi.json lists what there is",
    405: "this address does not take that method; the Allow header says which it takes",
    413: "the body is too large; send less at once",
}
_logger = logging.getLogger("polewatch.api")


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


def explain(exc: Exception, request: str) -> Problem:
    """Turn whatever a handler raised into a problem; what is nobody's fault but ours is logged.

    Args:
        exc: what was raised.
        request: method and route, for the log.
    """
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, web.HTTPException):
        return _explain_http(exc)
    problem = _explain_ours(exc)
    if problem is None:
        _logger.error("%s failed", request, exc_info=exc)
        return Problem(_SERVER_ERROR, "it could not be answered; the log has the reason")
    if problem.status > _SERVER_ERROR:
        _logger.warning("%s refused: %s", request, exc)
    return problem


def _explain_http(exc: web.HTTPException) -> Problem:
    """Say what aiohttp refuses in our way; headers that belong to it stay."""
    detail = _HTTP_DETAILS.get(exc.status, f"{exc.reason}; see docs/ref/api.md")
    kept = {name: value for name, value in exc.headers.items() if name in ("Allow", "Location")}
    return Problem(exc.status, detail, headers=kept)


def _explain_ours(exc: Exception) -> Problem | None:
    """The problem of an error of `edge.errors` that a caller can do something about."""
    if isinstance(exc, ValidationError):
        faults: list[Json] = [
            {"path": fault.path, "problem": fault.problem, "remedy": fault.remedy}
            for fault in exc.faults
        ]
        return Problem(400, str(exc), fields={"faults": faults})
    if isinstance(exc, EyeRefused):
        return Problem(409, str(exc))
    if isinstance(exc, EyeUnavailable):
        return Problem(503, str(exc), headers={"Retry-After": "2"})
    if isinstance(exc, EvidenceError):
        return Problem(400, "it holds text or numbers that can't be kept as a record; mend them")
    if isinstance(exc, StoreError | MediaError):
        detail = "the disk here does not give or take this just now; see /v1/health"
        return Problem(503, detail, headers={"Retry-After": "10"})
    return None
