"""Pulls a pole as a station does, and says what it found wrong.

Every feed by its cursor, each file by its hash; goes on through the pole's restarts.
"""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import EvidenceError
from edge.evidence import START_HASH, Link, canonical_json, follow
from edge.feeds import FEEDS
from tests.support.served_process import Answer, Record

_PAUSE_S = 0.3


class Puller:
    """Everything a pole has told, checked as it came; runs on a thread of its own."""

    def __init__(self, get: Callable[[str], Answer], folder: Path) -> None:
        """`get` asks the pole for a path; files come into `folder`, named by their hash."""
        self._get, self._folder = get, folder
        self.records: dict[str, list[Record]] = {feed: [] for feed in FEEDS}
        self.problems: list[str] = []
        self.unanswered = 0
        self._links: dict[str, Link] = {}
        self._cursors: dict[str, str] = {}
        self._missing: list[dict[str, Any]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="puller")

    def __enter__(self) -> Puller:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def pull_all(self, *, timeout_s: float = 60) -> None:
        """Fetch what is left, from this thread, once the other one has ended."""
        self._is_over.set()
        self._thread.join()
        deadline_s = time.monotonic() + timeout_s
        while (self._turn() or self._missing) and time.monotonic() < deadline_s:
            threading.Event().wait(_PAUSE_S)

    @property
    def missing(self) -> list[dict[str, Any]]:
        """Files that records name and that could not be had yet."""
        return list(self._missing)

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._turn()
            self._is_over.wait(_PAUSE_S)

    def _turn(self) -> bool:
        """Ask for news of each feed and for files; true while there is more."""
        more = False
        for feed in FEEDS:
            try:
                more = self._pull(feed) or more
            except (ConnectionError, http.client.HTTPException, TimeoutError, OSError):
                self.unanswered += 1
                return False
        self._missing = [item for item in self._missing if not self._fetch(item)]
        return more

    def _pull(self, feed: str) -> bool:
        after = f"&after={self._cursors[feed]}" if feed in self._cursors else ""
        answer = self._get(f"/v1/feeds/{feed}?limit=1000{after}")
        if answer.status != 200:
            self.problems.append(f"{feed}: {answer.status} {answer.body[:200]!r}")
            return False
        page = answer.json()
        for record in page["items"]:
            self._take(feed, record)
        self._cursors[feed] = page["next"]
        return bool(page["more"])

    def _take(self, feed: str, record: Record) -> None:
        digest = record["hash"]
        body = canonical_json({name: value for name, value in record.items() if name != "hash"})
        sealed = body[:-1] + b',"hash":"' + digest.encode() + b'"}'
        link = self._links.get(feed) or Link(record["epoch"], feed, 0, START_HASH)
        try:
            self._links[feed] = follow(link, sealed)
        except EvidenceError as exc:
            self.problems.append(f"{feed}: {exc}")
        self.records[feed].append(record)
        self._missing += record["media"]

    def _fetch(self, item: dict[str, Any]) -> bool:
        """Have one file; true when there is no need to ask again."""
        path = self._folder / item["sha256"]
        if path.exists():
            return True
        try:
            answer = self._get(item["href"])
        except (ConnectionError, http.client.HTTPException, TimeoutError, OSError):
            self.unanswered += 1
            return False
        if answer.status != 200:
            self.problems.append(f"{item['href']}: {answer.status}")
            return True
        if hashlib.sha256(answer.body).hexdigest() != item["sha256"]:
            self.problems.append(f"{item['href']}: another hash")
        path.write_bytes(answer.body)
        return True
