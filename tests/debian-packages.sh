#!/bin/sh
# Debian packages that only tests use: a real RTSP server on loopback (GStreamer's, through
# python3-gi), ffmpeg, which makes odd streams and is the bench's yardstick, and a browser for the
# page. Installs what is missing as root; otherwise names it and goes on, and the tests that need
# it say so themselves.
set -eu
wanted="chromium ffmpeg gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-tools
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly"

missing=
for package in $wanted; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 # a list of words
    apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing
else
    echo "tests need these Debian packages, some will be skipped without:$missing" >&2
    echo "    sudo apt-get install$missing" >&2
fi
