"""The sample clip: footage from a package, encoded at set-up as a camera would send it.

The footage is MS-MPEG4 with a keyframe every 25 s; no camera sends that. Its hash is pinned; the
hash of the clip depends on the encoder and is written beside it when it is made.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av

from edge.errors import ModelError
from edge.thirdparty import scene
from edge.thirdparty.store import (
    FETCH_SAMPLE,
    FOOTAGE,
    Obtain,
    State,
    assets_dir,
    fetch,
    publish,
    sha256_of,
)

_log = logging.getLogger(__name__)

CLIP = "yard.mp4"
DRAWN = "drawn by code (edge/thirdparty/scene.py)"
FPS = 10
"""The footage's own rate; also the keyframe distance, so that a GOP lasts 1 s."""
_CRF = "20"
"""The footage is grainy: 16 MB for 79.5 s, 1.6 Mbit/s, as a camera would send it."""


def sample_dir(root: Path | None = None) -> Path:
    """The folder of the sample clip; `root` as in `store.models_dir`."""
    return (root or assets_dir()) / "sample"


def sample_path(root: Path | None = None) -> Path:
    """Find the sample clip.

    Args:
        root: the assets folder; the checkout's own when None.

    Raises:
        ModelError: it has not been made, or was cut off; says what to run.
    """
    path = sample_dir(root) / CLIP
    note = _read_note(path)
    if not path.exists() or path.stat().st_size != note.get("bytes"):
        remedy = FETCH_SAMPLE if root is None else f"{FETCH_SAMPLE} --dir {root}"
        raise ModelError(f"sample clip {path} is missing or damaged; run: {remedy}")
    return path


def sample_state(root: Path | None = None) -> State:
    """Say what the clip's whole content tells."""
    path = sample_dir(root) / CLIP
    if not path.exists():
        return "missing"
    return "good" if _read_note(path).get("sha256") == sha256_of(path) else "damaged"


def sample_origin(root: Path | None = None) -> str:
    """What the clip was made from; empty if it has not been made."""
    return str(_read_note(sample_dir(root) / CLIP).get("origin", ""))


def make_sample(root: Path | None, *, obtain: Obtain, say: Callable[[str], None]) -> bool:
    """Make the sample clip unless it is there and whole; draw it where no footage is to be had.

    Args:
        root: the assets folder; the checkout's own when None.
        obtain: gets one member of one package.
        say: told what is under way, one line at a time.

    Returns:
        Whether it was made now.
    """
    if sample_state(root) == "good":
        return False
    folder = sample_dir(root)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="polewatch-") as work:
        try:
            fetch([FOOTAGE], Path(work), obtain=obtain, say=say)
        except ModelError as exc:
            _log.warning("sample clip drawn by code: reason=%s", exc)
            _write_clip(_drawn(), folder / CLIP, DRAWN)
        else:
            say(f"{CLIP}: encoding {FOOTAGE.name}")
            _write_clip(_decoded(Path(work) / FOOTAGE.name), folder / CLIP, FOOTAGE.name)
    return True


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def _drawn() -> Iterator[av.VideoFrame]:
    yard = scene.make_yard()
    for index in range(int(scene.LENGTH_S * FPS)):
        yield av.VideoFrame.from_ndarray(scene.draw_moment(yard, index / FPS), format="rgb24")


def _write_clip(frames: Iterable[av.VideoFrame], path: Path, origin: str) -> None:
    """Encode under a temporary name; the note goes first, so that a clip never lacks its hash."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _encode(frames, temporary)
        note = {
            "origin": origin,
            "bytes": temporary.stat().st_size,
            "sha256": sha256_of(temporary),
        }
        note_temporary = path.with_name(f".{path.name}.{os.getpid()}.json.part")
        note_temporary.write_text(json.dumps(note), encoding="utf-8")
        for written in (temporary, note_temporary):
            with written.open("rb") as file:
                os.fsync(file.fileno())
        publish(note_temporary, _note_path(path))
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _encode(frames: Iterable[av.VideoFrame], path: Path) -> None:
    options = {"crf": _CRF, "preset": "medium", "bf": "0", "sc_threshold": "0"}
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as output:
        stream = None
        for index, frame in enumerate(frames):
            if stream is None:
                stream = output.add_stream("libx264", rate=FPS, options=options)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.codec_context.gop_size = FPS
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            picture.pict_type = av.video.frame.PictureType.NONE  # not the footage's own choice
            output.mux(stream.encode(picture))
        if stream is not None:
            output.mux(stream.encode(None))


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_note(path: Path) -> dict[str, object]:
    try:
        note = json.loads(_note_path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
