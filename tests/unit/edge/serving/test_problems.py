from __future__ import annotations

import json

import pytest
from aiohttp import web

from edge.errors import (
    EvidenceError,
    EyeRefused,
    EyeUnavailable,
    Fault,
    MediaError,
    StoreError,
    ValidationError,
)
from edge.serving.problems import Problem, explain


@pytest.mark.parametrize(
    ("error", "status", "headers", "detail"),
    [
        (EyeUnavailable("road does not run"), 503, {"Retry-After": "2"}, "road does not run"),
        (EyeRefused("that moment is gone"), 409, {}, "that moment is gone"),
        (StoreError("/srv/pole: full"), 503, {"Retry-After": "10"}, "see /v1/health"),
        (MediaError("/srv/pole/ab: gone"), 503, {"Retry-After": "10"}, "see /v1/health"),
        (EvidenceError("half a pair"), 400, {}, "can't be kept as a record; mend them"),
        (web.HTTPNotFound(), 404, {}, "nothing at this address"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, {"Allow": "GET"}, "the Allow header"),
        (web.HTTPRequestEntityTooLarge(10, 20), 413, {}, "send less at once"),
        (KeyError("/srv/pole"), 500, {}, "the log has the reason"),
        (TimeoutError(), 500, {}, "the log has the reason"),
    ],
)
def test_error_is_a_problem_of_its_own_status(
    error: Exception, status: int, headers: dict[str, str], detail: str
) -> None:
    problem = explain(error, "GET /who")
    assert (problem.status, problem.headers) == (status, headers)
    assert detail in problem.detail
    assert "/srv" not in problem.detail


def test_faults_go_beside_the_problem() -> None:
    error = ValidationError([Fault("limit", "is 0", "1 to 1000"), Fault("wait", "is -1")])
    response = explain(error, "GET /who").response()
    assert isinstance(response.body, bytes)
    assert response.content_type == "application/problem+json"
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "limit: is 0; 1 to 1000\nwait: is -1",
        "faults": [
            {"path": "limit", "problem": "is 0", "remedy": "1 to 1000"},
            {"path": "wait", "problem": "is -1", "remedy": ""},
        ],
    }


def test_problem_stays_as_it_is() -> None:
    problem = Problem(410, "gone", headers={"X": "y"}, fields={"oldest": "e.1"})
    assert explain(problem, "GET /who") is problem
    assert problem.response().headers["X"] == "y"


def test_only_faults_of_ours_are_logged_with_their_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    explain(EyeRefused("no"), "GET /who")
    explain(web.HTTPNotFound(), "GET /who")
    assert caplog.text == ""
    explain(KeyError("inside"), "GET /who")
    assert "GET /who failed" in caplog.text
    assert "KeyError: 'inside'" in caplog.text
