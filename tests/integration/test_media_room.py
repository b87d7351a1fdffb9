"""Media under a quota, on a real log and a real disk: an outage of three days, and what is kept."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.agent.log.pole_log import PoleLog
from edge.agent.media import MEDIA_NAME, MediaFolder, media_path
from edge.agent.room.media_room import SPARE_PART, MediaRoom
from edge.clock import make_ids
from edge.errors import MediaError
from edge.feeds import ClockReading, Draft, Feed, Severity
from tests.support.aio import run_async
from tests.support.clocks import ManualClock
from tests.support.drafts import AT_MS, KEY, POLE

pytestmark = pytest.mark.timeout(300)
KIB, MIB = 2**10, 2**20
ALERTS = 5_000
OUTAGE_S = 72 * 3600
CLIP_BYTES = 64 * KIB
QUOTA_BYTES = 64 * MIB
SEVERITIES: tuple[Severity, ...] = ("info", "minor", "major", "critical")


@dataclass
class Post:
    """A pole's log, its media, and the room for them."""

    folder: Path
    log: PoleLog
    clock: ManualClock
    quota_bytes: int
    keepers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._make_id = make_ids(self.clock)
        self.media = MediaFolder(self.folder / MEDIA_NAME)
        self.room = MediaRoom(
            self.folder, self.log, quota_bytes=self.quota_bytes, read_keepers=self._read,
            make_draft=self.draft,
        )  # fmt: skip

    def _read(self) -> Collection[str]:
        return self.keepers

    def draft(self, feed: Feed, kind: str, **fields: Any) -> Draft:
        reading = ClockReading("synced", "b00t", self.clock.monotonic_ns() // 1_000_000)
        return Draft(feed, self._make_id(0), kind, self.clock.utc_ms(), reading, **fields)

    async def alert(self, severity: Severity) -> str:
        name = self._make_id(0)
        rule = {"type": "intrusion", "name": "fence"}
        await self.log.append(
            [self.draft("alerts", "alert.open", alert=name, camera="yard", severity=severity,
                        rule=rule)]
        )  # fmt: skip
        return name

    async def bring(self, content: bytes, alert: str, role: str = "clip") -> str:
        """Bring a file in as an eye's is: room first, then the file, then its record."""
        sha256 = hashlib.sha256(content).hexdigest()
        eye = self.folder / "eyes"
        eye.mkdir(exist_ok=True)
        (eye / "new").write_bytes(content)
        async with self.room.for_file(len(content)):
            self.media.adopt(eye, "new", sha256=sha256)
            item = {"role": role, "type": "video/mp4", "bytes": len(content), "sha256": sha256}
            item["href"] = f"/v1/media/{sha256}"
            await self.log.append(
                [self.draft("media", "media.ready", alert=alert, camera="yard", media=[item],
                            data={"role": role})]
            )  # fmt: skip
        return sha256

    def has(self, sha256: str) -> bool:
        return media_path(self.folder / MEDIA_NAME, sha256).exists()

    def used_bytes(self) -> int:
        files = (self.folder / MEDIA_NAME).rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file())

    async def records(self, feed: Feed) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = await self.log.page(feed, after=len(found), limit=1000, cameras=None)
            found += [msgspec.json.decode(body) for body in page.bodies]
            if not page.has_more:
                return found


@asynccontextmanager
async def standing(folder: Path, *, quota_bytes: int) -> AsyncIterator[Post]:
    clock = ManualClock(utc_ms=AT_MS)
    async with PoleLog(folder, POLE, key=KEY, clock=clock) as log:
        yield Post(folder, log, clock, quota_bytes)


def content(number: int, size_bytes: int = CLIP_BYTES) -> bytes:
    return number.to_bytes(8, "big") * (size_bytes // 8)


@run_async
async def test_outage_of_three_days_costs_clips_by_severity_and_not_one_alert(
    tmp_path: Path,
) -> None:
    """5,000 alerts offer 312 MiB of clips under a quota of 64 MiB; nobody acknowledges anything."""
    async with standing(tmp_path, quota_bytes=QUOTA_BYTES) as post:
        names, clips = [], []
        for number in range(ALERTS):
            post.clock.move(OUTAGE_S / ALERTS)
            names.append(await post.alert(SEVERITIES[number % 10 // 3]))
            clips.append(await post.bring(content(number), names[-1]))
            if number % 50 == 0:
                assert post.used_bytes() <= QUOTA_BYTES + CLIP_BYTES

        assert post.used_bytes() <= QUOTA_BYTES
        opened = [r["alert"] for r in await post.records("alerts") if r["kind"] == "alert.open"]
        assert opened == names

        kept = [number for number, clip in enumerate(clips) if post.has(clip)]
        most, spare = QUOTA_BYTES // CLIP_BYTES, QUOTA_BYTES // SPARE_PART // CLIP_BYTES
        assert most - spare - 1 <= len(kept) <= most
        critical = [number for number in range(ALERTS) if number % 10 // 3 == 3]
        assert set(critical) <= set(kept)
        major = [number for number in range(ALERTS) if number % 10 // 3 == 2]
        kept_major = [number for number in kept if number % 10 // 3 == 2]
        assert kept_major == major[-len(kept_major) :]
        mild = set(kept) - set(critical) - set(major)
        assert all(number > ALERTS - 50 for number in mild)  # come since room was made last

        gone = {r["data"]["sha256"] for r in await post.records("media")
                if r["kind"] == "media.gone"}  # fmt: skip
        assert gone == {clip for number, clip in enumerate(clips) if number not in set(kept)}
        losses = [r for r in await post.records("alerts") if r["kind"] == "loss"]
        assert len(losses) < ALERTS / 10
        assert sum(r["data"]["count"] for r in losses) == len(gone)
        assert sum(r["data"]["bytes"] for r in losses) == len(gone) * CLIP_BYTES


@run_async
async def test_what_keepers_have_goes_first_and_is_no_loss(tmp_path: Path) -> None:
    async with standing(tmp_path, quota_bytes=4 * CLIP_BYTES) as post:
        post.keepers |= {"north", "south"}
        alert = await post.alert("critical")
        mild = await post.alert("info")
        first = await post.bring(content(1), alert)
        second = await post.bring(content(2), alert)
        third = await post.bring(content(3), mild)
        for name in ("north", "south"):
            assert await post.log.ack_media(name, [second]) == []
        await post.log.ack_media("north", [first])
        await post.bring(content(4), mild)
        await post.bring(content(5), mild)
        assert [post.has(each) for each in (first, second, third)] == [True, False, True]
        assert [r for r in await post.records("alerts") if r["kind"] == "loss"] == []
        await post.bring(content(6), mild)
        assert [post.has(each) for each in (first, second, third)] == [True, False, False]
        (loss,) = [r for r in await post.records("alerts") if r["kind"] == "loss"]
        assert (loss["data"]["what"], loss["data"]["count"]) == ("media", 1)


@run_async
async def test_file_of_two_alerts_counts_as_the_worse_and_is_told_to_both(tmp_path: Path) -> None:
    async with standing(tmp_path, quota_bytes=2 * CLIP_BYTES) as post:
        worst, mild = await post.alert("critical"), await post.alert("info")
        shared = await post.bring(content(1), mild)
        await post.bring(content(1), worst)
        other = await post.bring(content(2), await post.alert("major"))
        await post.bring(content(3), worst)
        assert (post.has(shared), post.has(other)) == (True, False)
        post.clock.move(1)
        await post.bring(content(4), worst)
        gone = [r["alert"] for r in await post.records("media")
                if r["kind"] == "media.gone" and r["data"]["sha256"] == shared]  # fmt: skip
        assert sorted(gone) == sorted([worst, mild])


@run_async
async def test_file_larger_than_everything_is_refused_and_costs_nothing(tmp_path: Path) -> None:
    async with standing(tmp_path, quota_bytes=2 * CLIP_BYTES) as post:
        alert = await post.alert("major")
        kept = await post.bring(content(1), alert)
        with pytest.raises(MediaError, match="the quota of all media"):
            await post.bring(content(2, 3 * CLIP_BYTES), alert)
        assert post.has(kept)


@run_async
async def test_quota_that_was_lowered_holds_from_the_next_look_on(tmp_path: Path) -> None:
    async with standing(tmp_path, quota_bytes=8 * CLIP_BYTES) as post:
        alert = await post.alert("major")
        clips = [await post.bring(content(number), alert) for number in range(8)]
        lower = Post(tmp_path, post.log, post.clock, 3 * CLIP_BYTES)
        await lower.room.make(0)
        assert sum(post.has(each) for each in clips) == 3
        assert post.used_bytes() == 3 * CLIP_BYTES


@run_async
async def test_file_that_is_gone_already_is_told_all_the_same(tmp_path: Path) -> None:
    """A cut came between the file's end and its record: the row is there, the file is not."""
    async with standing(tmp_path, quota_bytes=2 * CLIP_BYTES) as post:
        alert = await post.alert("major")
        clip = await post.bring(content(1), alert)
        media_path(tmp_path / MEDIA_NAME, clip).unlink()
        await post.bring(content(2), alert)
        await post.bring(content(3), alert)
        kinds = [r["kind"] for r in await post.records("media")]
        assert kinds.count("media.gone") == 1


@run_async
async def test_disk_that_lets_nothing_go_is_an_error_of_media_and_nothing_is_told(
    tmp_path: Path,
) -> None:
    async with standing(tmp_path, quota_bytes=2 * CLIP_BYTES) as post:
        alert = await post.alert("major")
        clip = await post.bring(content(1), alert)
        await post.bring(content(2), alert)
        path = media_path(tmp_path / MEDIA_NAME, clip)
        path.unlink()
        path.mkdir()  # can't be unlinked, as on a disk that has become read-only
        with pytest.raises(MediaError, match="can't be let go of"):
            await post.bring(content(3), alert)
        assert "media.gone" not in [r["kind"] for r in await post.records("media")]
        path.rmdir()
        await post.bring(content(3), alert)
