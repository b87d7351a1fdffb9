"""One alert's life, by the agent's own parts on a real data folder and over its real HTTP API.

Detected, snapshot and clip taken over, served, acknowledged, resolved, evicted. What the pole has
told anybody is said by `tell`, a line each, the moment it has come:
`record FEED SEQ ID`, `media SHA256`, `acked FEED SEQ`, `journal ALERT`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.agent.data_folder import open_data_folder
from edge.agent.eyes.adoption import Adoption, Keeping
from edge.agent.eyes.chronicle import Chronicle, Pen, step
from edge.agent.eyes.eye_lines import Alert, Media, RuleName, Where
from edge.agent.eyes.scribe import Scribe
from edge.agent.eyes.untold import JOURNAL_NAME
from edge.agent.log.records import Records
from edge.clock import SystemClock, make_ids
from edge.device_key import load_or_make_key
from edge.evidence import canonical_json
from edge.feeds import FEEDS
from edge.model import Role
from edge.whole_file import make_folder
from edge.wire import format_utc
from tests.faults.planted import Bug, make_media, settings_with
from tests.support.served_pole import CONFIG, ServedPole, read_clock, serve_pole

CAMERA = "yard"
FILES: tuple[tuple[Role, str, str], ...] = (
    ("snapshot", "image/jpeg", "snapshot.jpg"), ("clip", "video/mp4", "clip.mp4"),
)  # fmt: skip
Tell = Callable[[str], None]


@dataclass
class Post:
    """A pole that is served, and its one eye's way in."""

    pole: ServedPole
    scribe: Scribe
    adoption: Adoption
    run: Path
    header: dict[str, str]
    tell: Tell
    state: Chronicle = Chronicle(CAMERA)  # noqa: RUF009 - frozen

    async def hear(self, line: Alert) -> None:
        """Take a line of the eye, which has put it into its journal before."""
        names = {"kind": "alert", "camera": line.camera, "t": line.t, "at": line.at}
        said = {
            **names, "phase": line.phase, "alert": line.alert, "severity": line.severity,
            "rule": {"type": line.rule.type, "name": line.rule.name}, "tracks": list(line.tracks),
            "data": {}, "where": {},
        }  # fmt: skip
        _append(self.run / JOURNAL_NAME, canonical_json(said) + b"\n")
        self.tell(f"journal {line.alert}")
        self.state, drafts = step(self.state, line, Pen(read_clock(), self.pole.make_id))
        self.scribe.put(drafts)

    async def pull(self) -> None:
        """Read what is new, as a station does."""
        for feed in FEEDS:
            async with self.pole.client.get(
                f"/v1/feeds/{feed}?limit=1000", headers=self.header
            ) as answer:
                page = await answer.json()
            for item in page["items"]:
                self.tell(f"record {feed} {item['seq']} {item['id']}")
                for each in item["media"]:
                    await self._fetch(each["sha256"])

    async def _fetch(self, sha256: str) -> None:
        url = f"/v1/media/{sha256}"
        async with self.pole.client.get(url, headers=self.header) as answer:
            content = await answer.read()
        if answer.status == 200:
            assert hashlib.sha256(content).hexdigest() == sha256, "a wrong file was served"
            self.tell(f"media {sha256}")

    async def ack(self, alert: str) -> None:
        """Acknowledge the alert, its records and its files."""
        post, header = self.pole.client.post, self.header
        head = self.pole.log.head("alerts").seq
        upto = {"upto": f"{self.pole.log.epoch}.{head}"}
        async with post("/v1/feeds/alerts/ack", json=upto, headers=header) as answer:
            assert answer.status == 200
        self.tell(f"acked alerts {head}")
        async with post(f"/v1/alerts/{alert}/ack", json={}, headers=header) as answer:
            assert answer.status == 200
        said = {"verdict": "real"}
        async with post(f"/v1/alerts/{alert}/resolve", json=said, headers=header) as answer:
            assert answer.status == 200


async def live(folder: Path, tell: Tell, *, alerts: int, bug: Bug | None = None) -> None:
    """Let some alerts live, one after the other, then let old records go.

    Args:
        folder: the data folder; made where there is none, else gone on with.
        tell: see above.
        alerts: how many.
        bug: which one is planted.
    """
    with settings_with(bug):
        async with _posted(folder, tell, bug) as post:
            for number in range(alerts):
                await _one_alert(post, number)
        evict(folder)


def evict(folder: Path) -> None:
    """Let what is old go; what evicts media joins here."""
    key = load_or_make_key(folder)
    with Records(folder, CONFIG.pole, key=key, clock=SystemClock()) as records:
        records.evict("audit", up_to=2)


async def _one_alert(post: Post, number: int) -> None:
    alert = post.pole.make_id()
    await post.hear(_line(alert, "open"))
    await post.scribe.settle()
    await post.pull()
    for role, kind, suffix in FILES:
        content = alert.encode() * 700 + bytes([number]) + role.encode()
        _write_as_an_eye(post.run, f"{alert}-{suffix}", content)
        post.adoption.take(post.run, _media(alert, f"{alert}-{suffix}", content, (role, kind)))
        await post.adoption.drain()
        await post.pull()
    await post.ack(alert)
    await post.hear(_line(alert, "close"))
    await post.scribe.settle()
    await post.pull()


@asynccontextmanager
async def _posted(folder: Path, tell: Tell, bug: Bug | None) -> AsyncIterator[Post]:
    with open_data_folder(folder) as data:
        async with serve_pole(folder, key=data.key) as pole, asyncio.TaskGroup() as group:
            scribe = Scribe(pole.log)
            keeping = Keeping(
                pole.log, make_media(data.media, bug), scribe,
                lambda: Pen(read_clock(), pole.make_id), asyncio.Semaphore(2),
            )  # fmt: skip
            adoption = Adoption(CAMERA, keeping)
            run = data.eyes / CAMERA / make_ids(SystemClock())(0)
            for each in (data.eyes, run.parent, run):  # as `EyeKeeper` does
                make_folder(each, mode=0o700)
            writing = group.create_task(scribe.run())
            taking = group.create_task(adoption.run())
            header = pole.token(f"desk-{run.name[-6:].lower()}")
            yield Post(pole, scribe, adoption, run, header, tell)
            adoption.finish(run)
            await adoption.drain()
            taking.cancel()
            scribe.close()
            await writing


def _line(alert: str, phase: str) -> Alert:
    at = format_utc(SystemClock().utc_ms())
    return Alert(
        camera=CAMERA, t=1.0, at=at, phase=phase, alert=alert,  # type: ignore[arg-type]
        rule=RuleName("intrusion", "gate"), severity="major", tracks=(7,), data={}, where=Where(),
    )  # fmt: skip


def _media(alert: str, name: str, content: bytes, what: tuple[Role, str]) -> Media:
    return Media(
        camera=CAMERA, t=2.0, at=format_utc(SystemClock().utc_ms()), alert=alert, role=what[0],
        file=name, type=what[1], from_t=0.0, to_t=2.0, bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


def _write_as_an_eye(folder: Path, name: str, content: bytes) -> None:
    """As eyes do: in pieces, under another name first, and not synced."""
    part = folder / f".{name}.part"
    for first in range(0, len(content), 8192):
        _append(part, content[first : first + 8192])
    part.rename(folder / name)


def _append(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
