"""A real browser without a screen, and a page of it that remembers what went wrong in it.

Debian's Chromium, driven by Playwright; where it is missing the tests say so and are left out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
PATIENCE_MS = 15_000
EVERYTHING = ("read", "pictures", "ack")
"""The scopes that the page has a use for."""
_ANSWERS = re.compile("Failed to load resource: (the server responded with|net::ERR_)")
"""What Chromium notes of every answer that is no success; the tests look at answers themselves."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser for the block; skips where it is not installed."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody at the page; `complaints` are errors of scripts and of the content policy."""

    def __init__(self, browser: Browser, **settings: Any) -> None:
        """`settings` as of Playwright's `new_context`: viewport, locale, color_scheme."""
        given = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **settings}
        self.context: BrowserContext = browser.new_context(**given)
        self.context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()

    def wait_until(self, claim: str) -> None:
        """Wait until a JavaScript expression holds; Playwright's own way needs `unsafe-eval`."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(claim):
            assert time.monotonic() < deadline, claim
            self.page.wait_for_timeout(50)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _ANSWERS.match(message.text):
            self.complaints.append(message.text)


Visit: TypeAlias = Callable[..., Visitor]
"""Makes a visitor; with scopes he is signed in."""


def cards(page: Page) -> Locator:
    """The alerts on the page, which speaks English."""
    return page.get_by_role("region", name="Open alerts").locator("#alert-list > li")


def tile(page: Page, name: str) -> Locator:
    """A camera on the page."""
    heading = page.get_by_role("heading", name=name, exact=True)
    return page.locator("#camera-list > li").filter(has=heading)


def overflow_px(page: Page) -> int:
    """By how much the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def pale_texts(page: Page, least: float) -> list[str]:
    """Name every text whose contrast with the nearest ground behind it is less than that."""
    found: list[str] = page.evaluate(_PALE_TEXTS, least)
    return found


_PALE_TEXTS = """(least) => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) =>
      v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.a > 0.7) return colour.rgb;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !node.checkVisibility() || node.closest("svg, noscript")) continue;
    const one = light(parse(getComputedStyle(node).color).rgb);
    const other = light(ground(node));
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < least) found.push(`${contrast} ${node.className} ${node.textContent}`);
  }
  return found;
}"""
