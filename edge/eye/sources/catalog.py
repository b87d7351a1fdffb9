"""Which adapter a SOURCE word means, and how it is to be opened."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from edge.config.checks import LATER_SCHEMES, NETWORK_SCHEMES
from edge.config.model import Credentials
from edge.errors import Fault, SourceRefused, SourceUnreachable, ValidationError
from edge.eye.ports import PacketSource
from edge.eye.sources.av_source import AvPacketSource, StartTime, WallClock
from edge.eye.sources.pictures import PicturesSource
from edge.eye.sources.refusals import Opening

_SOCKET_TIMEOUT = "6000000"
"""Microseconds; longer than our own limits, which tell one silence from the other."""
_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",
    "timeout": _SOCKET_TIMEOUT,
    "fpsprobesize": "0",  # our own probe measures rate and GOP
    "allowed_media_types": "video",  # sound alone would keep a dead picture's read from timing out
}
_HTTP_OPTIONS = {"timeout": _SOCKET_TIMEOUT}
_SECRET = re.compile(r"(?i)((?:password|passwd|pass|pwd)=)[^&/?]*")
"""Some cameras want the password in the path: /user=admin_password=…_channel=1.sdp. It may hold
underscores itself, so all up to the next separator of a URL is cut."""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How to make connections to one source."""

    name: str
    is_live: bool
    folder: Path | None = None
    opening: Opening | None = None

    def connect(self, start: StartTime, wall: WallClock) -> PacketSource:
        """Make one connection; nothing is opened yet."""
        if self.folder is not None:
            return PicturesSource(self.folder, start=start, wall=wall)
        assert self.opening is not None
        return AvPacketSource(self.opening, start=start, wall=wall)


def plan_source(word: str, login: Credentials | None = None) -> SourcePlan:
    """Understand a SOURCE.

    Args:
        word: a file, a folder, `rtsp://…`, `http(s)://…`, `v4l2:/dev/video0`.
        login: put into a network address; one that names a user itself is refused then.

    Raises:
        ValidationError: no kind of source that this version knows, or two users.
        SourceUnreachable: the file does not exist.
    """
    scheme = word.partition(":")[0].lower()
    if scheme in NETWORK_SCHEMES and "://" in word:
        return _plan_network(word, scheme, login)
    if scheme == "v4l2":
        device = word.partition(":")[2]
        if not device:
            fault = Fault("SOURCE", "v4l2: names no device", "say v4l2:/dev/video0")
            raise ValidationError([fault])
        opening = Opening(device, device, container_format="v4l2", is_live=True)
        return SourcePlan(Path(device).name, is_live=True, opening=opening)
    return _plan_path(word, scheme)


def name_source(word: str) -> str:
    """Name a SOURCE for the lines about it: the file's stem, the device, the camera's address."""
    scheme, _, rest = word.partition(":")
    if scheme.lower() in NETWORK_SCHEMES and rest.startswith("//"):
        return _split_place(word)[0] or scheme
    stem = Path(rest if scheme == "v4l2" else word).stem or "camera"
    return os.fsencode(stem).decode("utf-8", "replace")


def _plan_path(word: str, scheme: str) -> SourcePlan:
    path = Path(word)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as exc:
        if "://" in word or scheme in LATER_SCHEMES:
            known = ", ".join(f"{name}://" for name in NETWORK_SCHEMES)
            remedy = f"give a file, a folder, v4l2:DEVICE or {known}"
            fault = Fault("SOURCE", f"{scheme}: is no kind of source in this version", remedy)
            raise ValidationError([fault]) from exc
        if isinstance(exc, PermissionError):
            raise SourceRefused(f"{word}: not allowed to read it; check owner and mode") from exc
        raise SourceUnreachable(f"{word}: there is no such file; check the path") from exc
    if stat.S_ISDIR(mode):
        return SourcePlan(path.resolve().name, is_live=False, folder=path)
    if not stat.S_ISREG(mode):
        fault = Fault("SOURCE", f"{word}: is no file", "for a camera device say v4l2:DEVICE")
        raise ValidationError([fault])
    return SourcePlan(path.stem, is_live=False, opening=Opening(f"file:{path}", path.name))


def _split_place(word: str) -> tuple[str | None, int | None]:
    """Find host and port of a URL; no host where it is none."""
    try:
        parts = urlsplit(word)
        return parts.hostname, parts.port
    except ValueError:  # whose text may hold a piece of the password
        return None, None


def _plan_network(word: str, scheme: str, login: Credentials | None) -> SourcePlan:
    host, port = _split_place(word)
    if not host:
        remedy = f"write {scheme}://HOST:PORT/PATH; in a password write % / @ # as %25 %2F %40 %23"
        raise ValidationError([Fault("SOURCE", "this is no address of a camera", remedy)])
    parts = urlsplit(word)
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    netloc = parts.netloc
    if login is not None:
        if "@" in netloc:
            problem = "the address names a user, and so do the camera's credentials"
            raise ValidationError([Fault("SOURCE", problem, "leave out what stands before @")])
        netloc = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{place}"
    url = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    options = dict(_RTSP_OPTIONS if scheme.startswith("rtsp") else _HTTP_OPTIONS)
    shown = _SECRET.sub(r"\1…", parts.path)
    opening = Opening(
        url, f"{scheme}://{place}{shown}",
        options=options, is_live=True, has_login="@" in netloc,
    )  # fmt: skip
    return SourcePlan(host, is_live=True, opening=opening)
