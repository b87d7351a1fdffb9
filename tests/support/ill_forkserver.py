"""The fork server with eyes that look at nothing and misbehave: what each does says its camera.

A camera's name up to the first "-" names its behaviour, so that a pole may have several alike.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge import wire
from edge.clock import SystemClock, make_ids
from edge.eye.forkserver import ForkServer, open_control
from edge.eye.journal import AlertJournal
from edge.model import AlertChange, Json, MediaFile, Phase, SightReport, Stamp, StreamFormat, Track

TICK_S = 0.2


class IllEye:
    """What an ill eye can do."""

    def __init__(self, camera: str, folder: Path, journal: Path) -> None:
        self.camera, self.folder = camera, folder
        self._journal = AlertJournal(journal, self.say)
        folder.mkdir(parents=True, exist_ok=True)
        self.make_id = make_ids(SystemClock())
        self._begun_s = time.monotonic()
        self._frames = 0

    @property
    def stamp(self) -> Stamp:
        """This moment."""
        return Stamp(self.camera, time.monotonic() - self._begun_s, SystemClock().utc_ms())

    def say(self, data: bytes) -> None:
        """Print bytes."""
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]

    def see(self) -> None:
        """Tell that all is well."""
        self._frames += 10
        frames = self._frames
        report = SightReport(frames, frames, frames, frames, True, "seeing", 0.1, 50.0)
        self.say(wire.encode_sight(self.stamp, report))

    def source(self) -> None:
        """Tell what the camera delivers."""
        stream = StreamFormat("h264", 640, 480, 10.0, 1.0, b"")
        self.say(wire.encode_source(self.stamp, stream, thermal=False))

    def track(self, number: int) -> bytes:
        """A line about a track."""
        track = Track(number, "person", 0.9, (0, 0, 1, 1), is_stationary=False, first_t=0, seen_t=0)
        return wire.encode_track(self.stamp, "update", track)

    def alert(self, phase: Phase, name: str, ordinal: int = 1) -> None:
        """Tell a step of an alert."""
        change = AlertChange(phase, ordinal, "intrusion", "gate", "major", self.stamp.t, (7,))
        self._journal.emit(wire.encode_alert(self.stamp, change, name))

    def open_alert(self) -> str:
        """Open an alert, give its id."""
        name = self.make_id(0)
        self.alert("open", name)
        return name

    def write(self, name: str, data: bytes) -> str:
        """Make a file, give its hash."""
        (self.folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def media(self, alert: str, file: str, sha256: str, *, size_bytes: int = 4) -> None:
        """Tell of a file."""
        media = MediaFile(alert, "clip", file, "video/mp4", 1.0, 2.0, size_bytes, sha256)
        self.say(wire.encode_media(self.stamp, media))

    def go_on(self, *, until_stop: bool = True) -> None:
        """See until told to stop, by signal; answer commands meanwhile."""
        told: list[int] = []
        if until_stop:
            signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
        os.set_blocking(0, False)
        while not told:
            self.see()
            self._answer()
            time.sleep(TICK_S)
        self.say(wire.encode_end(self.stamp, "stopped"))

    def _answer(self) -> None:
        try:
            lines = os.read(0, 65536).splitlines()
        except BlockingIOError:
            return
        for text in lines:
            command = json.loads(text)
            if command["kind"] == "clip":
                self.say(wire.encode_reply(self.stamp, command["id"], {"ok": False, "error": "no"}))
            elif command["kind"] == "snapshot":
                digest = self.write("snapshot-1.jpg", b"JPEG")
                fields: dict[str, Json] = {
                    "ok": True, "file": "snapshot-1.jpg", "bytes": 4, "sha256": digest,
                    "type": "text/html", "frame_t": 1.0,
                }  # fmt: skip
                if command.get("at") == "lie":
                    fields["sha256"] = "ab" * 32
                self.say(wire.encode_reply(self.stamp, command["id"], fields))


def be_good(eye: IllEye) -> None:
    eye.source()
    eye.go_on()


def babble_a_little(eye: IllEye) -> None:
    eye.say(b'Segmentation fault (core dumped)\n\x00\xff\xfe\n{"kind":\n')
    other = Stamp("elsewhere", 1.0, SystemClock().utc_ms())
    eye.say(wire.encode_end(other, "I am another"))
    eye.go_on()


def babble(eye: IllEye) -> None:
    eye.see()
    while True:
        eye.say(b"garbage\n" * 1000)


def flood(eye: IllEye) -> None:
    eye.see()
    lines = eye.track(7) * 500
    for _ in range(2000):
        eye.say(lines)
    eye.go_on()


def alarm(eye: IllEye) -> None:
    eye.see()
    while True:
        eye.open_alert()


def never_end_a_line(eye: IllEye) -> None:
    eye.see()
    for _ in range(30):
        eye.say(b"x" * (1 << 20))
    eye.say(b"\n")
    eye.go_on()


def lie_about_files(eye: IllEye) -> None:
    """One of each lie, then the truth."""
    name = eye.open_alert()
    good = eye.write(f"{name}-clip.mp4", b"good")
    outside = eye.folder.parent / "secret.mp4"
    outside.write_bytes(b"secret")
    (eye.folder / "link.mp4").symlink_to(outside)
    os.mkfifo(eye.folder / "fifo.mp4")
    (eye.folder / "folder.mp4").mkdir()
    digest = hashlib.sha256(b"secret").hexdigest()
    for file in ("../secret.mp4", "a/b.mp4", ".hidden"):
        eye.media(name, file, digest)
    eye.write("wrong.mp4", b"wrong")
    for file in ("link.mp4", "fifo.mp4", "folder.mp4", "missing.mp4", "wrong.mp4"):
        eye.media(name, file, digest)
    eye.media("01J9Z0000000000000000000ZZ", f"{name}-clip.mp4", good)
    eye.media(name, f"{name}-clip.mp4", good, size_bytes=4_000)
    eye.alert("close", name)
    eye.go_on()


def crash(eye: IllEye) -> None:
    eye.see()
    eye.open_alert()
    os.kill(os.getpid(), signal.SIGSEGV)


def fail(eye: IllEye) -> None:
    eye.see()
    eye.say(wire.encode_end(eye.stamp, "the camera refuses the login; put it right"))
    os._exit(1)


def refuse(_eye: IllEye) -> None:
    sys.stderr.write("polewatch: nothing is right\n")
    os._exit(2)


def fall_silent(eye: IllEye) -> None:
    eye.see()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


def leave_files(eye: IllEye) -> None:
    """Finish a clip and a snapshot, tell of neither, leave a part and what no alert has; die."""
    eye.see()
    name = eye.open_alert()
    eye.write(f"{name}-clip.mp4", b"clip of " + name.encode())
    eye.write(f"{name}-snapshot.jpg", b"snapshot of " + name.encode())
    eye.write(f".{name}-clip-2.mp4.part", b"part")
    eye.write("01J9Z0000000000000000000ZZ-clip.mp4", b"of an unknown alert")
    eye.write("snapshot-90000.jpg", b"asked for, and forgotten")
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def leave_at_once(eye: IllEye) -> None:
    """Finish a clip, tell of nothing but the opening, die in the same instant."""
    eye.see()
    name = eye.make_id(0)
    eye.write(f"{name}-clip.mp4", b"clip of " + name.encode())
    eye.alert("open", name)
    os.kill(os.getpid(), signal.SIGKILL)


def close_late(eye: IllEye) -> None:
    """Tell the most important only when told to stop."""
    name = eye.open_alert()
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    while not told:
        eye.see()
        time.sleep(TICK_S)
    eye.alert("close", name)
    eye.media(name, f"{name}-clip.mp4", eye.write(f"{name}-clip.mp4", b"late"))
    eye.say(wire.encode_end(eye.stamp, "stopped"))


def be_busy(eye: IllEye) -> None:
    """An alert with its clip every tenth of a second; those whose clip is whole stand in a list."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    eye.see()
    with (eye.folder.parents[2] / "finished.txt").open("a", encoding="ascii") as finished:
        while not told:
            name = eye.open_alert()
            time.sleep(0.05)
            digest = eye.write(f".{name}.part", name.encode() * 5_000)
            (eye.folder / f".{name}.part").rename(eye.folder / f"{name}-clip.mp4")
            finished.write(f"{name}\n")
            finished.flush()
            time.sleep(0.02)
            eye.media(name, f"{name}-clip.mp4", digest)
            eye.alert("close", name)
            time.sleep(0.03)
    eye.say(wire.encode_end(eye.stamp, "stopped"))


def be_steady(eye: IllEye) -> None:
    """Three alerts a second, each noted in a list once it is told."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    with (eye.folder.parents[2] / "opened.txt").open("a", encoding="ascii") as opened:
        while not told:
            eye.see()
            name = eye.open_alert()
            opened.write(f"{name}\n")
            opened.flush()
            time.sleep(0.15)
            eye.alert("close", name)
            time.sleep(0.15)
    eye.say(wire.encode_end(eye.stamp, "stopped"))


def hog(eye: IllEye) -> None:
    """Take memory until there is none, as a decoder with a hostile stream may."""
    eye.see()
    taken = []
    while True:
        taken.append(bytearray(16 * 2**20))


def play(eye: IllEye) -> None:
    """A short file, to its end."""
    for _ in range(5):
        eye.see()
        time.sleep(TICK_S)
    eye.say(wire.encode_end(eye.stamp, "end of file"))


def ignore_commands(eye: IllEye) -> None:
    eye.source()
    while True:
        eye.see()
        time.sleep(TICK_S)


BEHAVIOURS: dict[str, Callable[[IllEye], None]] = {
    "good": be_good,
    "murmurs": babble_a_little,
    "babbles": babble,
    "floods": flood,
    "alarms": alarm,
    "drones": never_end_a_line,
    "lies": lie_about_files,
    "crashes": crash,
    "fails": fail,
    "refuses": refuse,
    "silent": fall_silent,
    "leaves": leave_files,
    "hasty": leave_at_once,
    "late": close_late,
    "busy": be_busy,
    "steady": be_steady,
    "hogs": hog,
    "plays": play,
    "deaf": ignore_commands,
}


def run_eye(argv: list[str]) -> int:
    """Be the eye of a camera."""
    given = dict(itertools.pairwise(argv))
    camera = given["--camera"]
    BEHAVIOURS[camera.partition("-")[0]](
        IllEye(camera, Path(given["--out"]), Path(given.get("--journal", os.devnull)))
    )
    return 0


if __name__ == "__main__":
    ForkServer(open_control(0), run_eye, SystemClock()).run()
