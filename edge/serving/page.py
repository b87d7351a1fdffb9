"""The page's own files, read once and served from memory; there is no way from here to the disk.

They are packed once as well: over a poor link the page is there in a third of the time.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from edge.serving.codings import GZIP, takes_gzip
from edge.serving.problems import Problem
from edge.serving.routes import Public, Route

SHARED_FOLDER = Path(__file__).parent / "web"
"""What every page of ours is made of."""
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
class Body:
    """A file as it is sent, plain or packed; `etag` is the SHA-256 of just this form, in quotes."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page in both its forms."""

    type: str
    plain: Body
    packed: Body


PageFiles: TypeAlias = Mapping[str, PageFile]
PAGE: web.AppKey[PageFiles] = web.AppKey("page", Mapping)


def serve_page(folder: Path) -> Callable[[web.Application], None]:
    """Say how an app gets its page.

    Args:
        folder: the page's own files; one there stands before a shared one of the same name.
    """

    def set_up(app: web.Application) -> None:
        app[PAGE] = load_page(SHARED_FOLDER, folder)

    return set_up


def load_page(*folders: Path) -> PageFiles:
    """Read the folders' files by name; a later folder stands before an earlier one."""
    files = {}
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            packed = gzip.compress(content, mtime=0)
            files[path.name] = PageFile(_TYPES[path.suffix], _body(content), _body(packed))
    return files


def _body(content: bytes) -> Body:
    return Body(content, f'"{hashlib.sha256(content).hexdigest()}"')


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
    is_packed = takes_gzip(request.headers.get("Accept-Encoding", ""))
    body = file.packed if is_packed else file.plain
    headers = {"ETag": body.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = request.headers.get("If-None-Match", "")
    if known == "*" or body.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return web.Response(status=304, headers=headers)
    if is_packed:
        headers["Content-Encoding"] = GZIP
    return web.Response(body=body.content, headers={**headers, "Content-Type": file.type})


_WHY = "the page asks for the token; it holds nothing of what is kept here"
ROUTES = (
    Route("GET", "/", get_index, Public(_WHY)),
    Route("GET", "/web/{name}", get_file, Public(_WHY)),
)
