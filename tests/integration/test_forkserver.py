"""The fork server with real eyes: begun, ended, orphaned, abused, boxed in."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.fork.client import (
    COMMAND,
    ONE_THREAD,
    EyePipes,
    ForkServerClient,
    ForkServerLost,
    start_fork_server,
)
from edge.fork.protocol import MESSAGE_BYTES_MAX, Reply, parse_reply
from tests.support.asked_eye import LineReader, is_alive, wait_gone
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)
CHEQUER = (sys.executable, "-m", "tests.support.chequer_forkserver")
WITHOUT_LITERT = (
    sys.executable,
    "-c",
    "import sys; sys.modules['ai_edge_litert'] = None; import edge.cli; sys.exit(edge.cli.main())",
    "eye",
    "--forkserver",
)


class Eye:
    """A forked eye and its lines."""

    def __init__(self, pipes: EyePipes) -> None:
        self.pid, self.stdin = pipes.pid, pipes.stdin
        self._stdout = pipes.stdout
        self.reader = LineReader(pipes.stdout)

    def wait_for(self, kind: str) -> dict[str, object]:
        return self.reader.wait_for(lambda line: line["kind"] == kind)

    def close(self) -> None:
        os.close(self.stdin)
        os.close(self._stdout)


class Pole:
    """A fork server and the eyes begun by it."""

    def __init__(self, client: ForkServerClient, clip: Path, out: Path) -> None:
        self.client, self._clip, self._out = client, clip, out
        self._eyes: list[Eye] = []

    def spawn(self, *argv: str) -> Eye:
        count = len(self._eyes)
        usual = [str(self._clip), "--pace", "real", "--out", str(self._out / str(count))]
        eye = Eye(self.client.spawn(argv or usual))
        self._eyes.append(eye)
        return eye

    def close(self) -> None:
        for eye in self._eyes:
            eye.close()


@contextlib.contextmanager
def pole(clip: Path, out: Path, command: Sequence[str] = CHEQUER) -> Iterator[Pole]:
    with start_fork_server(command) as client, contextlib.closing(Pole(client, clip, out)) as it:
        yield it


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute with something to see all the time."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=29),))
    path = tmp_path_factory.mktemp("clip") / "yard.mp4"
    return make_clip(path, scene, Shot(seconds=30, fps=10, gop_s=1)).path


@pytest.mark.parametrize("command", [COMMAND, WITHOUT_LITERT], ids=["litert", "tflite-runtime"])
def test_eyes_infer_at_the_same_time_when_forked(tmp_path: Path, command: tuple[str, ...]) -> None:
    """The model was loaded before the fork; each child must be able to run it."""
    clip = make_clip(tmp_path / "yard.mp4", Scene(), Shot(seconds=3, fps=10, gop_s=1)).path
    with pole(clip, tmp_path, command) as it:
        eyes = [it.spawn(str(clip), "--pace", "max", "--detections") for _ in range(2)]
        for eye in eyes:
            lines = eye.reader.read_to_end(timeout_s=60)

            assert lines[-1]["reason"] == "end of file"
            assert lines[-2]["inferences"] >= lines[-2]["decoded"] == 30
            assert it.client.wait(eye.pid, 10) == Reply(pid=eye.pid, exit=0)


def test_eye_obeys_commands_and_its_end_is_told(clip: Path, tmp_path: Path) -> None:
    with pole(clip, tmp_path) as it:
        eye = it.spawn()
        eye.wait_for("source")
        os.write(eye.stdin, b'{"kind":"look-began","id":1}\n{"kind":"stop","id":2}\n')
        lines = eye.reader.read_to_end()

        assert [line["ok"] for line in lines if line["kind"] == "reply"] == [True, True]
        assert lines[-1]["reason"] == "stopped"
        assert it.client.wait(eye.pid, 10) == Reply(pid=eye.pid, exit=0)


def test_eye_that_is_killed_is_told_and_others_go_on(clip: Path, tmp_path: Path) -> None:
    with pole(clip, tmp_path) as it:
        first, second = it.spawn(), it.spawn()
        first.wait_for("source")
        os.kill(first.pid, signal.SIGSEGV)

        assert it.client.wait(first.pid, 10) == Reply(pid=first.pid, signal=signal.SIGSEGV)
        assert second.wait_for("source")
        assert is_alive(second.pid)


def test_wrong_arguments_end_the_eye_with_2_and_a_line_on_its_own_stderr(
    clip: Path, tmp_path: Path
) -> None:
    with pole(clip, tmp_path, COMMAND) as it:
        for argv in (["--no-such"], ["--forkserver"], ["a.mp4", "--camera", "b"]):
            said, end = os.pipe()
            pipes = it.client.spawn(argv, stderr=end)
            os.close(end)
            with open(said, encoding="utf-8") as errors:  # noqa: PTH123  a descriptor, not a path
                assert "polewatch" in errors.read()
            assert it.client.wait(pipes.pid, 10) == Reply(pid=pipes.pid, exit=2)
            Eye(pipes).close()


def test_eye_is_boxed_in(clip: Path, tmp_path: Path) -> None:
    with pole(clip, tmp_path) as it:
        eye = it.spawn()
        eye.wait_for("source")
        proc = Path("/proc") / str(eye.pid)
        status = (proc / "status").read_text(encoding="ascii")
        targets = {each.name: str(each.readlink()) for each in (proc / "fd").iterdir()}

        assert "NoNewPrivs:\t1" in status
        assert resource.prlimit(eye.pid, resource.RLIMIT_CORE) == (0, 0)
        assert resource.prlimit(eye.pid, resource.RLIMIT_DATA) == (512 * 2**20, 512 * 2**20)
        assert os.getpgid(eye.pid) == eye.pid
        assert not [target for target in targets.values() if target.startswith("socket:")]
        # Its own three, the pipe that ends its command thread, the clip, and the alert's file.
        assert len(targets) <= 7, targets


def test_memory_of_a_boxed_in_process_ends_at_its_limit() -> None:
    code = (
        "from edge.eye.confinement import give_up_privileges\n"
        "give_up_privileges()\n"
        "try:\n    bytearray(600 * 2**20)\nexcept MemoryError:\n    print('refused')\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout == "refused\n"


def test_no_orphan_stays_when_fork_server_is_killed(clip: Path, tmp_path: Path) -> None:
    with pole(clip, tmp_path) as it:
        eyes = [it.spawn() for _ in range(3)]
        for eye in eyes:
            eye.wait_for("source")
        os.kill(eyes[0].pid, signal.SIGSTOP)
        os.kill(it.client.pid, signal.SIGKILL)

        wait_gone(*(eye.pid for eye in eyes), timeout_s=2)
        with pytest.raises(ForkServerLost):
            it.client.wait(eyes[0].pid, 5)


@pytest.mark.parametrize("way", ["close", "terminate"])
def test_eyes_end_in_order_when_fork_server_ends(clip: Path, tmp_path: Path, way: str) -> None:
    with pole(clip, tmp_path) as it:
        eyes = [it.spawn() for _ in range(2)]
        for eye in eyes:
            eye.wait_for("alert")
        if way == "close":
            assert it.client.close() == 0
        else:
            os.kill(it.client.pid, signal.SIGTERM)
        for eye in eyes:
            lines = eye.reader.read_to_end()
            assert [line["phase"] for line in lines if line["kind"] == "alert"][-1] == "close"
            assert {line["role"] for line in lines if line["kind"] == "media"} >= {"clip"}
            assert lines[-1]["kind"] == "end"
        wait_gone(*(eye.pid for eye in eyes), it.client.pid)


def test_eye_that_does_not_end_is_killed_after_10_s(clip: Path, tmp_path: Path) -> None:
    with pole(clip, tmp_path) as it:
        eye = it.spawn()
        eye.wait_for("source")
        os.kill(eye.pid, signal.SIGSTOP)
        begun_s = time.monotonic()

        assert it.client.close() == 0
        assert 9 < time.monotonic() - begun_s < 12
        assert not is_alive(eye.pid)


@pytest.fixture
def raw() -> Iterator[socket.socket]:
    """A fork server's socket with nothing between."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(CHEQUER, stdin=theirs.fileno(), env={**os.environ, **ONE_THREAD})
    with ours, process:
        assert hear(ours) == Reply(ready=True, pid=process.pid)
        yield ours
        ours.close()
        assert process.wait(15) == 0


def hear(control: socket.socket) -> Reply:
    assert select.select([control], [], [], 10)[0]
    return parse_reply(control.recv(MESSAGE_BYTES_MAX))


def test_bad_requests_are_refused_and_do_no_harm(raw: socket.socket) -> None:
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MESSAGE_BYTES_MAX)
    good = b'{"id":7,"argv":["x.mp4"]}'
    with Path(os.devnull).open("rb") as file:
        null = file.fileno()
        cases = [
            (b"", 0, None),
            (b"garbage", 0, None),
            (b"\xff\xfe", 0, None),
            (b"[" * 50_000, 0, None),
            (b'{"id":7,"argv":["x"],"env":{}}', 3, 7),
            (b'{"id":7,"argv":[]}', 3, 7),
            (b'{"id":7,"argv":["a\\u0000b"]}', 3, 7),
            (b'{"id":7,"argv":[1]}', 3, 7),
            (b'{"id":-7,"argv":["x"]}', 3, None),
            (b'{"id":7,"argv":["' + b"x" * 5000 + b'"]}', 3, 7),
            (good, 0, 7),
            (good, 2, 7),
            (good, 4, 7),
            (good + b" " * MESSAGE_BYTES_MAX, 3, None),
        ]
        for data, count, number in cases:
            if count:
                socket.send_fds(raw, [data], [null] * count)
            else:
                raw.send(data)
            reply = hear(raw)
            assert (reply.id, reply.pid) == (number, None), (data[:40], reply)
            assert reply.error

        socket.send_fds(raw, [good], [null, null, null])
        begun = hear(raw)
        assert begun.id == 7
        assert hear(raw).pid == begun.pid


def test_caller_that_never_reads_gets_no_further_and_takes_no_memory(raw: socket.socket) -> None:
    raw.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 100_000:
            raw.send(b"garbage")
            sent += 1
            if sent % 100 == 0:
                select.select([], [raw], [], 0.2)
    assert sent < 100_000
    heard = 0
    while heard < sent:
        assert hear(raw).error
        heard += 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 1, "Unix socket pair"),
        (("--tracks",), 2, "takes nothing beside it, not tracks"),
        (("clip.mp4",), 2, "takes nothing beside it, not source"),
    ],
)
def test_fork_server_says_how_it_is_to_be_started(
    arguments: tuple[str, ...], code: int, words: str
) -> None:
    run = subprocess.run(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=20, check=False,
    )  # fmt: skip

    assert run.returncode == code
    assert words in run.stderr


def test_fork_server_ends_quietly_when_its_caller_is_gone_before_it_is_ready() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    with theirs:
        ended = subprocess.run(
            CHEQUER, stdin=theirs.fileno(), env={**os.environ, **ONE_THREAD},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


def test_start_fails_in_words_when_fork_server_can_not_begin() -> None:
    with pytest.raises(ForkServerLost, match="has ended"):
        start_fork_server([sys.executable, "-c", "raise SystemExit(3)"])
