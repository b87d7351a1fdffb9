"""Which adapter a SOURCE word means, and how it is to be opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from edge.errors import Fault, SourceUnreachable, ValidationError
from edge.eye.ports import PacketSource
from edge.eye.sources.av_source import AvPacketSource, Opening, WallClock
from edge.eye.sources.pictures import PicturesSource

_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",
    "timeout": "5000000",  # microseconds, for a connection that nobody answers
    "fpsprobesize": "0",  # our own probe measures rate and GOP
    "allowed_media_types": "video",  # sound alone would keep a dead picture's read from timing out
}
_NETWORK = ("rtsp", "rtsps", "http", "https")
_LATER = ("cptv", "lepton", "mlx90640-uart", "isapi", "sim")


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password of a camera; never shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Say nothing."""
        return "Login(…)"


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How to make connections to one source."""

    name: str
    is_live: bool
    folder: Path | None = None
    opening: Opening | None = None

    def connect(self, start_90k: int, wall: WallClock) -> PacketSource:
        """Make one connection; nothing is opened yet."""
        if self.folder is not None:
            return PicturesSource(self.folder, start_90k=start_90k, wall=wall)
        assert self.opening is not None
        return AvPacketSource(self.opening, start_90k=start_90k, wall=wall)


def plan_source(word: str, login: Login | None = None) -> SourcePlan:
    """Understand a SOURCE.

    Args:
        word: a file, a folder, `rtsp://…`, `http(s)://…`, `v4l2:/dev/video0`.
        login: put into a network address that carries none.

    Raises:
        ValidationError: no kind of source that this version knows.
        SourceUnreachable: the file does not exist.
    """
    scheme = word.partition(":")[0].lower()
    if scheme in _NETWORK and "://" in word:
        return _plan_network(word, scheme, login)
    if scheme == "v4l2":
        device = word.partition(":")[2]
        opening = Opening(device, device, container_format="v4l2", is_live=True)
        return SourcePlan(Path(device).name, is_live=True, opening=opening)
    path = Path(word)
    if scheme in _LATER and not path.exists():
        raise ValidationError([Fault("SOURCE", f"{scheme}: sources are not in this version")])
    if path.is_dir():
        return SourcePlan(path.name, is_live=False, folder=path)
    if not path.exists():
        raise SourceUnreachable(f"{word}: there is no such file; check the path")
    return SourcePlan(path.stem, is_live=False, opening=Opening(f"file:{path}", path.name))


def name_source(word: str) -> str:
    """Name a SOURCE for the lines about it: the file's stem, the device, the camera's address."""
    scheme, _, rest = word.partition(":")
    if scheme.lower() in _NETWORK and rest.startswith("//"):
        return urlsplit(word).hostname or scheme
    return Path(rest if scheme == "v4l2" else word).stem or "camera"


def _plan_network(word: str, scheme: str, login: Login | None) -> SourcePlan:
    parts = urlsplit(word)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise ValidationError([Fault("SOURCE", f"not an address: {exc}")]) from exc
    if not host:
        raise ValidationError([Fault("SOURCE", "the address names no camera")])
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    netloc = parts.netloc
    if login is not None and "@" not in netloc:
        netloc = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{place}"
    url = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    options = dict(_RTSP_OPTIONS) if scheme.startswith("rtsp") else {}
    opening = Opening(url, f"{scheme}://{place}{parts.path}", options=options, is_live=True)
    return SourcePlan(host, is_live=True, opening=opening)
