"""GStreamer's RTSP server on loopback: a real one, for what works; see `bad_camera` for faults."""

from __future__ import annotations

import functools
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

import av
import pytest

from tests.support.rtsp_message import Login

SYSTEM_PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("gst_rtsp_main.py")
START_S = 15.0
STOP_S = 5.0
PACKAGES = {
    "gi.require_version('Gst', '1.0')": "python3-gi gir1.2-gstreamer-1.0",
    "gi.require_version('GstRtspServer', '1.0')": "gir1.2-gst-rtsp-server-1.0",
    "assert Gst.ElementFactory.find('rtph264pay')": "gstreamer1.0-plugins-good",
    "assert Gst.ElementFactory.find('h264parse')": "gstreamer1.0-plugins-bad",
}
"""What each Debian package is needed for, as a line of Python that fails without it."""


@functools.cache
def missing_packages() -> tuple[str, ...]:
    """Name the Debian packages that the server needs and that are not installed."""
    missing = []
    for line, packages in PACKAGES.items():
        begin = "from gi.repository import Gst; Gst.init(None)" if "Gst." in line else "pass"
        code = f"import gi\ngi.require_version('Gst', '1.0')\n{begin}\n{line}"
        run = subprocess.run([SYSTEM_PYTHON, "-c", code], capture_output=True, check=False)
        if run.returncode:
            missing.append(packages)
    return tuple(missing)


class GstRtspServer:
    """Serves one H.264 or H.265 file at `.url` while the context is open.

    In real time, from the file's beginning for every client, then the end of the stream.
    """

    def __init__(self, file: Path, *, rounds: int = 1, login: Login | None = None) -> None:
        """Choose what to serve.

        Args:
            file: MP4 or Matroska.
            rounds: how often the file is played, without a gap.
            login: the name and password asked for, if any.
        """
        self._file, self._rounds, self._login = file, rounds, login
        self._process: subprocess.Popen[str] | None = None
        self._folder = ""
        self._port = 0

    def __enter__(self) -> GstRtspServer:
        if missing := missing_packages():
            pytest.skip(f"no GStreamer RTSP server: apt-get install {' '.join(missing)}")
        self._folder = tempfile.mkdtemp(prefix="rtsp-")
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop()

    @property
    def url(self) -> str:
        """Where it is, without a login."""
        return f"rtsp://127.0.0.1:{self._port}/main"

    def url_as(self, user: str, password: str) -> str:
        """Where it is, with a login."""
        return self.url.replace("//", f"//{user}:{password}@")

    def _start(self) -> None:
        served = Path(self._folder) / "served.mkv"
        codec = repeat_clip(self._file, served, rounds=self._rounds)
        command = [SYSTEM_PYTHON, str(PROGRAM), str(served)]
        command += ["--codec", {"h264": "h264", "hevc": "h265"}[codec]]
        if self._login:
            command += ["--login", self._login.scheme, self._login.user, self._login.password]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        assert select.select([self._process.stdout], [], [], START_S)[0], "it never got ready"
        word, _, port = self._process.stdout.readline().partition(" ")
        assert word == "ready", "it ended at once; see its error output"
        self._port = int(port)

    def _stop(self) -> None:
        if self._process:
            with self._process as process:
                assert process.stdin
                process.stdin.close()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def repeat_clip(file: Path, out: Path, *, rounds: int) -> str:
    """Copy a clip's packets several times in a row, times going on; returns its codec's name."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert stream.time_base
        frame = round(1 / (stream.time_base * (stream.average_rate or 25)))
        length = max(packet.pts or 0 for packet in packets) + frame
        with av.open(str(out), "w") as target:
            copy = target.add_stream_from_template(stream)
            for index in range(rounds):
                for packet in packets:
                    again = av.Packet(bytes(packet))
                    again.time_base, again.stream = stream.time_base, copy
                    again.pts = (packet.pts or 0) + index * length
                    again.dts = (packet.dts or 0) + index * length
                    again.is_keyframe = packet.is_keyframe
                    target.mux(again)
        return stream.codec_context.name
