"""The clip every user has: `make run` on it must give alerts with sound files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import cv2
import pytest

from tests.replay.conftest import RunClip
from tests.replay.eye_run import EyeRun
from tests.replay.test_spans import check_lives
from tests.replay.truth import CHECKOUT

pytestmark = [pytest.mark.replay, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def run(sample: Path, run_clip: RunClip) -> EyeRun:
    """One run on the sample clip, by the rules that `make run` has."""
    return run_clip(sample, "--tracks", "--rules", str(CHECKOUT / "docs/example/yard.toml"))


def test_each_rule_of_make_run_opens_alerts(run: EyeRun) -> None:
    assert {alert.rule_name for alert in run.lines.opened} == {"lawn", "path"}


def test_alerts_open_and_close(run: EyeRun) -> None:
    assert run.lines.opened
    check_lives(run.lines.alerts)


def test_every_alert_has_a_clip_and_a_snapshot(run: EyeRun) -> None:
    roles: dict[str, list[str]] = {alert.alert: [] for alert in run.lines.opened}
    for media in run.lines.media:
        if media.file is not None:
            roles[media.alert].append(media.role)
    assert {tuple(sorted(got)) for got in roles.values()} == {("clip", "snapshot")}


def test_files_are_what_their_lines_say(run: EyeRun) -> None:
    for media in run.lines.media:
        assert media.file is not None
        content = (run.out_dir / media.file).read_bytes()
        assert len(content) == media.size_bytes
        assert hashlib.sha256(content).hexdigest() == media.sha256
        assert media.mime == {"clip": "video/mp4", "snapshot": "image/jpeg"}[media.role]


def test_clip_holds_the_alert_and_decodes_from_its_first_frame(run: EyeRun) -> None:
    opened = {alert.alert: alert for alert in run.lines.opened}
    clips = [media for media in run.lines.media if media.role == "clip"]
    assert clips
    for media in clips:
        assert media.from_t <= opened[media.alert].t <= media.to_t
        assert media.file is not None
        with av.open(str(run.out_dir / media.file)) as container:
            stream = container.streams.video[0]
            first = next(packet for packet in container.demux(stream) if packet.size)
            assert first.is_keyframe
        with av.open(str(run.out_dir / media.file)) as container:
            frames = [frame.pts or 0 for frame in container.decode(video=0)]
            packets = container.streams.video[0].frames
        assert len(frames) == packets
        assert frames == sorted(frames)


def test_snapshot_is_a_picture_of_the_clips_own_size(run: EyeRun) -> None:
    snapshots = [media for media in run.lines.media if media.role == "snapshot"]
    assert snapshots
    with av.open(str(run.clip)) as container:
        size = (container.streams.video[0].height, container.streams.video[0].width)
    for media in snapshots:
        path = Path(run.out_dir / str(media.file))
        picture = cv2.imread(str(path))
        assert picture is not None, path.name
        assert picture.shape[:2] == size
