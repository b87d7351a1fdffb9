"""Fragmented MP4 of a real eye in a real browser: as a <video>, and through MediaSource."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.aio import run_async
from tests.support.browser import Visitor, open_browser
from tests.support.live_pole import RealPole, real_pole
from tests.support.video import Scene, Shot, Visit, make_clip

pytestmark = pytest.mark.timeout(120)
PLAY = """path => {
  const video = Object.assign(document.createElement("video"), { muted: true, src: path });
  window.video = document.body.appendChild(video);
  video.play();
}"""
APPEND = """async path => {
  const response = await fetch(path);
  const type = response.headers.get("Content-Type");
  if (!MediaSource.isTypeSupported(type)) throw new Error(`not supported: ${type}`);
  const source = new MediaSource();
  const video = Object.assign(document.createElement("video"), { muted: true });
  video.src = URL.createObjectURL(source);
  window.video = document.body.appendChild(video);
  await new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
  const buffer = source.addSourceBuffer(type);
  const reader = response.body.getReader();
  video.play();
  while (video.currentTime < 1.5) {
    buffer.appendBuffer((await reader.read()).value);
    await new Promise((done) => buffer.addEventListener("updateend", done, { once: true }));
  }
  await reader.cancel();
}"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute in H.264."""
    scene = Scene(visits=(Visit(enter_s=1, leave_s=59),))
    path = tmp_path_factory.mktemp("clip") / "yard.mp4"
    return make_clip(path, scene, Shot(seconds=60, fps=10, gop_s=1)).path


@run_async
async def test_live_mp4_plays_in_a_browser(tmp_path: Path, clip: Path) -> None:
    async with real_pole(tmp_path, clip) as pole:
        await pole.eyes.wait_state("yard", "seeing")
        await asyncio.to_thread(look, pole)


def look(pole: RealPole) -> None:
    """Watch in both ways; Playwright wants a thread without a loop."""
    with open_browser() as browser, Visitor(browser, extra_http_headers=pole.headers) as visitor:
        visitor.page.goto(f"http://{pole.address}/")
        visitor.page.evaluate(PLAY, "/v1/cameras/yard/live.mp4")
        visitor.wait_until("video.currentTime > 1.5 && video.videoWidth === 320")
        visitor.page.evaluate("video.remove(), video.removeAttribute('src'), video.load()")
        visitor.page.evaluate(APPEND, "/v1/cameras/yard/live.mp4")
        visitor.wait_until("video.currentTime >= 1.5 && video.videoWidth === 320")
        assert visitor.complaints == []
