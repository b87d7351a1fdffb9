"""`polewatch bench` as a user runs it, once and short; no figure is held against a limit here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.bench.clip import draw_clips, measure_clip, repeat
from edge.bench.measure import cpu_s_of, pss_bytes, run_counted, started, wait_until
from edge.bench.rows import BUDGETS
from edge.errors import MeasureFailed, ModelError, SourceUnusable
from edge.thirdparty.store import DETECTOR, model_path
from tests.repo.tree import CHECKOUT
from tests.support.asked_eye import wait_gone
from tests.support.video import Scene, Shot, make_clip

BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint('done')"


@pytest.mark.timeout(240)
def test_quick_bench_gives_every_row_with_a_figure_or_a_reason() -> None:
    try:
        model_path(DETECTOR)
    except ModelError as exc:
        pytest.skip(str(exc))
    command = [sys.executable, "-m", "edge.cli", "bench", "--quick", "--json"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = {row["row"]: row for row in report["rows"]}
    assert list(rows) == [budget.row for budget in BUDGETS]
    for row in rows.values():
        assert row["verdict"] in ("met", "not met", "not measured")
        assert (row["got"] is None) == (row["verdict"] == "not measured")
        assert (row["reason"] is None) == (row["got"] is not None)
    assert 0 <= rows["P7"]["got"] <= 1
    assert rows["P8"]["got"] > 10
    assert report["figures"]["awake"][0] > 0
    assert report["setting"]["size"] == "1920x1080"


def test_bench_that_is_ended_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    try:
        model_path(DETECTOR)
    except ModelError as exc:
        pytest.skip(str(exc))
    command = [sys.executable, "-m", "edge.cli", "bench", "--quick"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment) as bench:
        children = Path(f"/proc/{bench.pid}/task/{bench.pid}/children")
        wait_until(lambda: bool(children.read_text().split()), bench, seconds_max=60)
        (child, *_) = children.read_text().split()
        bench.terminate()
        assert bench.wait(30) == 143
    wait_gone(int(child))
    assert list(tmp_path.iterdir()) == []


def test_bench_refuses_a_clip_that_is_none(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(SourceUnusable, match=r"text\.mp4"):
        measure_clip(text)


def test_clip_is_measured_and_joined_to_itself(tmp_path: Path) -> None:
    drawn = make_clip(tmp_path / "a.mp4", Scene(), Shot(seconds=4, fps=10, gop_s=1))
    clip = measure_clip(drawn.path)
    assert (clip.seconds, clip.fps, clip.gop_frames) == pytest.approx((4.0, 10.0, 10.0))
    assert clip.size == (320, 240)
    longer = measure_clip(repeat(clip, 3, tmp_path / "b.mp4").path)
    assert (longer.seconds, longer.fps, longer.gop_frames) == pytest.approx((12.0, 10.0, 10.0))


@pytest.mark.timeout(120)
def test_drawn_clips_have_the_rate_and_grid_of_a_camera(tmp_path: Path) -> None:
    clips = draw_clips(tmp_path, seconds=2)
    assert clips.sub is not None
    for clip, size in ((clips.quiet, (1920, 1080)), (clips.sub, (640, 360))):
        found = measure_clip(clip.path)
        assert found.size == size
        assert (found.fps, found.gop_frames) == pytest.approx((15.0, 30.0))
    megabits = clips.quiet.path.stat().st_size * 8 / 1e6 / 2
    assert 2.5 < megabits < 5.5


def test_run_is_counted_with_its_children() -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])"
    run = run_counted([sys.executable, "-c", code])
    assert run.cpu_s > 0.29
    assert run.output == b"done\n"


def test_failed_run_is_told_with_its_last_words() -> None:
    with pytest.raises(MeasureFailed, match="ended with 3: oh no"):
        run_counted([sys.executable, "-c", "import sys; print('oh no', file=sys.stderr); exit(3)"])


def test_run_that_never_ends_is_given_up() -> None:
    with pytest.raises(MeasureFailed, match="not ended within"):
        run_counted([sys.executable, "-c", "import time; time.sleep(60)"], seconds_max=0.3)


def test_living_process_tells_cpu_time_and_memory() -> None:
    code = BURN + "\nimport sys, time; sys.stdout.flush(); time.sleep(60)"
    with started([sys.executable, "-c", code]) as child:
        wait_until(lambda: child.output() == b"done\n", child.process, seconds_max=15)
        assert cpu_s_of(child.pid) > 0.29
        assert 2**20 < pss_bytes(child.pid) < 2**30
        process = child.process
    assert process.poll() is not None
