#!/bin/sh
# Writes run.lock and dev.lock: exact versions and sha256 of every file, for x86_64 and aarch64
# Linux and Python 3.11, from pyproject.toml. Needs uv (pip install uv); nothing else does.
# Without arguments the versions already locked stay; `lock.sh --upgrade` takes the newest.
set -eu
here=$(dirname "$0")
cd "$here/../.."

compile() {
    lock=$1
    shift
    UV_CUSTOM_COMPILE_COMMAND="image-build/python/lock.sh" uv pip compile --quiet --no-config \
        --universal --python-version 3.11 --generate-hashes --no-emit-find-links \
        --override image-build/python/left-out.txt "$@" --output-file "$lock" pyproject.toml
}

compile image-build/python/run.lock --group build "$@"
compile image-build/python/dev.lock --group build --group dev \
    --constraint image-build/python/run.lock "$@"
