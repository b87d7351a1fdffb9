"""Turns what libavformat raises and logs into one line that says what to do; never shows a URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import av

from edge.errors import SourceError, SourceRefused, SourceStalled, SourceUnreachable, SourceUnusable

OPEN_S_MAX = 4.0
"""libavformat waits this long twice, for the answer and for the first pictures: 8 s, so that an
eye stops within 10 s and a healed camera is seen again within 10 s."""
READ_S_MAX = 5.0
_STATUS = re.compile(r"(?:failed:|HTTP error) (\d{3})[ (]*([^)\n]*)")
"""The camera's own status line; the exception does not carry it, only the library's log does."""
_TOO_MANY = ("453", "503")
"""453 is "Not Enough Bandwidth" (RFC 2326 §11.3.2); cameras say it when no session is left."""
_NO_NAME = "Failed to resolve hostname"


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open one stream.

    `url` may hold a password and is never shown; `name` is what messages call it.
    """

    url: str = field(repr=False)
    name: str
    container_format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    is_live: bool = False
    has_login: bool = False


def explain_open(
    exc: av.FFmpegError, opening: Opening, *, log: Sequence[str], took_s: float
) -> SourceError:
    """Say why a source could not be opened.

    Args:
        exc: what the library raised.
        opening: what was tried.
        log: what the library wrote meanwhile, at its level "error".
        took_s: how long it tried; a camera that hangs looks like one that talks rubbish but for
            this.
    """
    name, said = opening.name, " ".join(log)
    if isinstance(exc, av.HTTPError | av.HTTPClientError):
        return _explain_refusal(exc, opening, _STATUS.search(said))
    if opening.is_live and _NO_NAME in said:
        return SourceUnreachable(f"{name}: no such host is known; check the address")
    if opening.is_live and isinstance(exc, av.ExitError | av.TimeoutError):
        reason = f"no answer within {OPEN_S_MAX:.0f} s"
        return SourceUnreachable(f"{name}: nobody answers ({reason}); check cable and address")
    if opening.is_live and took_s >= OPEN_S_MAX:
        return SourceStalled(
            f"{name}: it accepts the connection and then gives no whole answer within"
            f" {OPEN_S_MAX:.0f} s; restart the camera"
        )
    return explain_read(exc, opening)


def explain_read(exc: av.FFmpegError, opening: Opening) -> SourceError:
    """Say why a source that was open could not be read on.

    Raises:
        MemoryError: the process has none left, and the source is not to blame.
    """
    name = opening.name
    if isinstance(exc, MemoryError):
        raise MemoryError(f"{name}: no memory left to read it") from None
    if opening.is_live:
        return _explain_live(exc, opening)
    if isinstance(exc, FileNotFoundError):
        return SourceUnreachable(f"{name}: there is no such file; check the path")
    if isinstance(exc, PermissionError):
        return SourceRefused(f"{name}: not allowed to read it; check owner and mode")
    if isinstance(exc, av.InvalidDataError):
        return SourceUnusable(
            f"{name}: this is not video that can be read, or it is cut off; get a whole copy"
        )
    return SourceUnusable(f"{name}: can't be read ({exc.strerror}); check file and disk")


def explain_stall(opening: Opening) -> SourceStalled:
    """Say that a camera fell silent."""
    return SourceStalled(
        f"{opening.name}: no video within {READ_S_MAX:.0f} s; check the camera's power and cable"
    )


def explain_end(opening: Opening) -> SourceError:
    """Say that a camera ended its stream."""
    return SourceError(f"{opening.name}: the camera ended the stream; it may be restarting")


def explain_cut(opening: Opening) -> SourceUnusable:
    """Say that a file breaks off."""
    return SourceUnusable(f"{opening.name}: the file is cut off; get a whole copy")


def explain_nothing(opening: Opening, codec: str) -> SourceUnusable:
    """Say that nothing could be made of what came."""
    remedy = "check that the file is whole, or convert it"
    if opening.is_live:
        remedy = "set the camera to H.264 or H.265"
    return SourceUnusable(f"{opening.name}: no picture in it could be read ({codec}); {remedy}")


def explain_no_video(opening: Opening) -> SourceUnusable:
    """Say that there is sound or text, or nothing."""
    remedy = "check the path of the address" if opening.is_live else "name a file with video"
    return SourceUnusable(f"{opening.name}: there is no video in it; {remedy}")


def _explain_live(exc: av.FFmpegError, opening: Opening) -> SourceError:
    name = opening.name
    if isinstance(exc, av.ExitError | av.TimeoutError):
        return explain_stall(opening)
    if isinstance(exc, FileNotFoundError):
        return SourceUnreachable(f"{name}: there is no such device; check cable and path")
    if isinstance(exc, PermissionError):
        return SourceRefused(f"{name}: not allowed to read it; check owner and mode")
    if isinstance(exc, av.InvalidDataError):
        return SourceUnusable(f"{name}: what it sends is not video; check its stream settings")
    if isinstance(exc, OSError):
        reason = exc.strerror or "no route"
        return SourceUnreachable(f"{name}: nobody answers ({reason}); check cable and address")
    return SourceUnusable(f"{name}: what it sends can't be read ({exc.strerror})")


def _explain_refusal(
    exc: av.HTTPError | av.HTTPClientError, opening: Opening, status: re.Match[str] | None
) -> SourceRefused:
    name = opening.name
    if isinstance(exc, av.HTTPUnauthorizedError):
        message = (
            f"{name}: the camera refuses name or password; correct the credentials file"
            if opening.has_login
            else f"{name}: the camera asks for a login; give name and password"
        )
        return SourceRefused(message, is_login=True)
    said = f"{status[1]} {status[2]}".strip() if status else str(exc.strerror)
    if isinstance(exc, av.HTTPNotFoundError):
        return SourceRefused(f"{name}: the camera has no such stream ({said}); check the path")
    if isinstance(exc, av.HTTPForbiddenError):
        return SourceRefused(f"{name}: the camera forbids it ({said}); check the user's rights")
    if status and status[1] in _TOO_MANY:
        message = f"{name}: the camera has too many sessions ({said}); close other viewers"
        return SourceRefused(message)
    return SourceRefused(f"{name}: the camera refuses ({said}); restart it, check its settings")
