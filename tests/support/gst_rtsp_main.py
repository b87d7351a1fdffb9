"""Serve one video file over RTSP with GStreamer; a program for the system's Python.

It imports nothing of ours, because `gi` lives in Debian's Python and not in the environment of
the tests. It prints `ready PORT` when it listens, and ends when its standard input closes, so
that it cannot outlive the test that started it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - after the versions

DEMUXERS = {".mp4": "qtdemux", ".mkv": "matroskademux"}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--codec", choices=["h264", "h265"], required=True)
    parser.add_argument("--login", nargs=3, metavar=("SCHEME", "USER", "PASSWORD"))
    return parser.parse_args()


def launch_line(file: Path, codec: str) -> str:
    """Demux, cut into pictures without changing them, put into RTP."""
    demux = DEMUXERS[file.suffix]
    return f'( filesrc location="{file}" ! {demux} ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 )'


def make_auth(scheme: str, user: str, password: str) -> Any:
    """Make the server's login with one user who may do everything."""
    method = {"basic": GstRtsp.RTSPAuthMethod.BASIC, "digest": GstRtsp.RTSPAuthMethod.DIGEST}
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(method[scheme])
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if scheme == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.add_digest(user, password, token)
    return auth


def make_factory(arguments: argparse.Namespace) -> Any:
    """Make what every PLAY starts anew from the file's beginning."""
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch_line(arguments.file, arguments.codec))
    factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
    if arguments.login:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("user", "media.factory.access", True)
        permissions.add_permission_for_role("user", "media.factory.construct", True)
        factory.set_permissions(permissions)
    return factory


def main() -> None:
    """Serve until standard input ends."""
    arguments = parse_arguments()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    if arguments.login:
        server.set_auth(make_auth(*arguments.login))
    server.get_mount_points().add_factory("/main", make_factory(arguments))
    if not server.attach(None):
        sys.exit("cannot listen on 127.0.0.1")
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP | GLib.IO_IN, lambda *_: loop.quit())
    sys.stdout.write(f"ready {server.get_bound_port()}\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main()
