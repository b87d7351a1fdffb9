"""A station's store in memory: what pulling needs of it, and a disk that can be jammed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.errors import EvidenceError, StoreError
from edge.evidence import START_HASH, Link, Sealed, SignedStatement
from edge.feeds import Cursor, Draft, Feed
from edge.station.desk_alert import TransferState
from edge.station.ports.vault import Batch, CheckedRecord, Identity, Kept, Wanted, Word


class _Idle:
    """A vault that knows of no files and no words, and a disk that may be full."""

    fault: str | None = None

    async def wanted(self, pole: str, *, limit: int) -> list[Wanted]:
        return []

    async def keep_file(self, wanted: Wanted, part: str) -> None:
        self.check()

    async def give_up_file(self, wanted: Wanted, state: TransferState, reason: str) -> None:
        self.check()

    async def note_try(self, wanted: Wanted) -> None:
        self.check()

    async def unacked_files(self, pole: str, *, limit: int) -> list[str]:
        return []

    async def note_files_acked(self, pole: str, hashes: Sequence[str]) -> None:
        self.check()

    async def has_room(self, size_bytes: int, *, rank: int) -> bool:
        return self.fault is None

    async def words_to_send(self, pole: str, *, limit: int) -> list[Word]:
        return []

    async def note_sent(self, word: Word, refused: str = "") -> None:
        self.check()

    def check(self) -> None:
        if self.fault is not None:
            raise StoreError(self.fault)


@dataclass
class FakeVault(_Idle):
    """Gives `Vault`; a test looks at what was kept, and may fill the disk."""

    identities: dict[str, Identity] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    told: list[Draft] = field(default_factory=list)
    signed: list[SignedStatement] = field(default_factory=list)
    acks: dict[str, dict[Feed, Cursor]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Own alerts that somebody has acknowledged."""
    fault: str | None = None

    def __post_init__(self) -> None:
        self._places: dict[str, dict[Feed, Link]] = {}
        self._lives: dict[tuple[str, Feed], int] = {}
        self._records: dict[tuple[str, Feed, int], dict[int, CheckedRecord]] = {}

    def records(self, pole: str, feed: Feed) -> list[CheckedRecord]:
        """All that was kept of a feed, life after life, each by its seq."""
        return [
            record
            for (name, of, _), kept in sorted(self._records.items(), key=lambda item: item[0][2])
            if (name, of) == (pole, feed)
            for _, record in sorted(kept.items())
        ]

    def rules(self) -> list[tuple[str, str]]:
        """The station's own alerts: kind of the record and name of the rule."""
        return [(draft.kind, str((draft.rule or {}).get("name"))) for draft in self.told]

    async def identity(self, pole: str) -> Identity | None:
        return self.identities.get(pole)

    async def keep_identity(self, pole: str, identity: Identity) -> None:
        self.check()
        self.identities[pole] = identity

    async def places(self, pole: str) -> Mapping[Feed, Link]:
        return dict(self._places.get(pole, {}))

    async def keep(self, batch: Batch) -> Kept:
        self.check()
        feed: Feed = batch.place.feed  # type: ignore[assignment]
        life = self._lives.get((batch.pole, feed), 0) + batch.is_new_life
        kept = dict(self._records.get((batch.pole, feed, life), {}))
        new = [record for record in batch.records if _is_new(record, kept)]
        kept |= {record.link.seq: record for record in new}
        self._records[batch.pole, feed, life] = kept
        self._lives[batch.pole, feed] = life
        self._places.setdefault(batch.pole, {})[feed] = batch.place
        self.batches.append(batch)
        return Kept(len(new), sum(record.draft.kind == "alert.open" for record in new))

    async def kept_near(self, pole: str, after: Link, *, before: int) -> list[Link]:
        middle = (after.seq + before) // 2
        links = [
            each.link
            for each in self.records(pole, after.feed)  # type: ignore[arg-type]
            if each.link.epoch == after.epoch and after.seq < each.link.seq < before
        ]
        below = max((each.seq for each in links if each.seq <= middle), default=0)
        seq = below or min((each.seq for each in links), default=0)
        return [each for each in links if each.seq == seq]

    async def acked(self, pole: str) -> Mapping[Feed, Cursor]:
        return dict(self.acks.get(pole, {}))

    async def note_acked(self, pole: str, feed: Feed, upto: Cursor) -> None:
        self.check()
        self.acks.setdefault(pole, {})[feed] = upto

    async def signed_to(self, pole: str, feed: Feed) -> Link | None:
        said = [each.statement for each in self.signed if each.statement.feed == feed]
        newest = max(said, key=lambda each: each.seq, default=None)
        return None if newest is None else Link(newest.epoch, feed, newest.seq, newest.hash)

    async def keep_statements(self, pole: str, signed: Sequence[SignedStatement]) -> list[str]:
        self.check()
        lies = []
        for each in signed:
            said = each.statement
            feed: Feed = said.feed  # type: ignore[assignment]
            life = self._lives.get((pole, feed), 0)
            found = self._records.get((pole, feed, life), {}).get(said.seq)
            if found is not None and found.link.hash != said.hash:
                lies.append(f"{feed} {said.seq}: signed with another hash")
            else:
                self.signed.append(each)
        return lies

    async def is_new(self, alert: str) -> bool:
        return alert not in self.known

    async def tell(self, drafts: Sequence[Draft]) -> list[Sealed]:
        self.check()
        self.told += drafts
        return [Sealed(b"{}", START_HASH) for _ in drafts]


def _is_new(record: CheckedRecord, kept: Mapping[int, CheckedRecord]) -> bool:
    known = kept.get(record.link.seq)
    if known is not None and known.body != record.body:
        raise EvidenceError(f"{record.link.feed} {record.link.seq}: other bytes stand there")
    return known is None
