#!/bin/sh
# Makes .venv with exactly what run.lock lists and the checkout itself (editable), so that
# .venv/bin/polewatch runs. Asks for root only where Debian's venv module is missing.
set -eu
cd "$(dirname "$0")/../.."
venv=.venv
python=${PYTHON:-python3}

fail() {
    echo "make env: $*" >&2
    exit 1
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    command -v python3.11 >/dev/null ||
        fail "Python 3.11 is needed ($python is not it): apt-get install python3.11, or PYTHON=/path/to/python3.11 make env"
    python=python3.11
fi

# A folder copied or cut off half-way is made anew: its scripts point elsewhere or lack pip.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
    ! grep -qF "$(pwd)/$venv" "$venv/bin/activate"; then
    rm -rf "$venv"
    # Debian keeps ensurepip in a package of its own; without it venv fails half-way.
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv
        else
            fail "Python's venv module is missing: sudo apt-get install python3-venv"
        fi
    fi
    "$python" -m venv "$venv"
fi

# --no-deps: the lock is complete, and leaves out on purpose what left-out.txt lists.
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet \
    --require-hashes --no-deps --only-binary :all: -r image-build/python/run.lock
# A plain path entry, so that a new package folder is found without installing again.
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet \
    --no-build-isolation --no-deps --config-settings editable_mode=compat --editable .
