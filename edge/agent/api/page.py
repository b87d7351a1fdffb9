"""The page's own files, read once and served from memory; there is no way from here to the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from edge.agent.api.problems import Problem
from edge.agent.api.routes import Public, Route

FOLDER = Path(__file__).parents[1] / "web"
INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
"""Files of other kinds are no part of the page."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page; `etag` is its SHA-256 in quotes."""

    content: bytes
    type: str
    etag: str


PageFiles: TypeAlias = Mapping[str, PageFile]
PAGE: web.AppKey[PageFiles] = web.AppKey("page", Mapping)


def set_up(app: web.Application) -> None:
    """Read the files for one server."""
    app[PAGE] = load_page(FOLDER)


def load_page(folder: Path) -> PageFiles:
    """Read a folder's files by name."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            files[path.name] = PageFile(content, _TYPES[path.suffix], etag)
    return files


async def get_index(request: web.Request) -> web.Response:
    """Give the page."""
    return _give(request, INDEX)


async def get_file(request: web.Request) -> web.Response:
    """Give one of its files."""
    return _give(request, request.match_info["name"])


def _give(request: web.Request, name: str) -> web.Response:
    file = request.app[PAGE].get(name)
    if file is None:
        raise Problem(404, "the page has no such file; load it anew from /")
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    known = request.headers.get("If-None-Match", "")
    if known == "*" or file.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.content, headers={**headers, "Content-Type": file.type})


_WHY = "the page asks for the token; it holds nothing of this pole"
ROUTES = (
    Route("GET", "/", get_index, Public(_WHY)),
    Route("GET", "/web/{name}", get_file, Public(_WHY)),
)
