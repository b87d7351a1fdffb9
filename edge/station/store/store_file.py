"""The store's file, opened by the one who writes it; the tables' own files say what is written."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock
from edge.database import bring_up, open_to_write
from edge.errors import EvidenceError, StoreError
from edge.evidence import START_HASH, key_id
from edge.feeds import FEEDS, ClockReading
from edge.station.config import Station, StationConfig, Store
from edge.station.store.age import Age, noted_age_ms
from edge.station.store.schema import NOUN, STEPS, STORE_NAME, explained

TALLIES = ("change", "open", "new", "new_critical", "new_major", "new_minor", "new_info")
_EPOCH_BYTES = 5
_CACHE = "PRAGMA cache_size = -32768"
"""KiB, negative: the inner pages of the indexes of a year; measured in the bench."""
_UNFIT = (LookupError, TypeError, ValueError, ArithmeticError, RecursionError)
"""What a record of the wrong shape raises: it must not end the thread that writes all others."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What the store needs of the configuration; `sites` has every pole's."""

    station: Station
    store: Store
    sites: Mapping[str, str | None]

    @classmethod
    def of(cls, config: StationConfig) -> StoreSettings:
        """Take it from the whole configuration."""
        sites = {pole.name: pole.site for pole in config.poles}
        return cls(config.station, config.store, sites)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps the store, by which clock, and how old it is."""

    settings: StoreSettings
    key: Ed25519PrivateKey
    clock: Clock
    read_clock: Callable[[], ClockReading]
    age: Age


class StoreFile:
    """The store, opened for writing; belongs to one thread."""

    def __init__(self, folder: Path, keeper: Keeper, *, epoch: str | None = None) -> None:
        """Open the store of a folder, or begin one.

        Args:
            folder: exists already.
            keeper: whose it is.
            epoch: the life it must be of; None: any, and one is begun where there is none.

        Raises:
            StoreError: it can't be opened or written, is damaged, made by a newer version, or
                another station's.
        """
        self.keeper = keeper
        self.station = keeper.settings.station.id
        self._path = folder / STORE_NAME
        with explained():
            self.connection = open_to_write(self._path, may_begin=epoch is None)
            try:
                self.connection.execute(_CACHE)
                self.epoch = self._take_up(epoch)
                if epoch is None:
                    keeper.age.go_on(noted_age_ms(self.connection))
            except (apsw.Error, StoreError):
                self.connection.close()
                raise
        self._file = _find_file(self._path)

    def close(self) -> None:
        """Give the file back; what has been written is on disk already."""
        self.connection.close()

    @contextmanager
    def group(self) -> Iterator[None]:
        """Put everything that is done in the block into one commit.

        Raises:
            StoreError: nothing of it was written; or the file has been taken away, which SQLite
                does not notice: it would go on writing to where nobody finds it.
        """
        if self._file is None or _find_file(self._path) != self._file:
            raise StoreError(f"{self._path} was taken away; put it back, or start anew")
        with explained(), self.connection:
            yield

    @contextmanager
    def single(self) -> Iterator[None]:
        """Undo what is done in the block where it fails.

        Raises:
            EvidenceError: what was to be written can't be kept, whatever the disk.
            StoreError: the disk does not take it.
        """
        try:
            with self.connection:
                yield
        except (EvidenceError, StoreError):
            raise
        except (apsw.ConstraintError, apsw.TooBigError, apsw.MismatchError) as exc:
            raise EvidenceError(f"it can't be kept: {exc}") from exc
        except apsw.Error:
            raise
        except _UNFIT as exc:
            raise EvidenceError(f"it can't be kept: {type(exc).__name__} {exc}") from exc

    def probe(self) -> None:
        """Write a little, to learn whether the disk takes it.

        Raises:
            StoreError: it does not, or the file has been taken away.
        """
        with self.group():
            self.connection.execute(
                "INSERT OR REPLACE INTO probe VALUES (1, ?)", (self.keeper.clock.utc_ms(),)
            )

    def site(self, pole: str) -> str | None:
        """Where a pole stands, by the configuration."""
        return self.keeper.settings.sites.get(pole)

    def tally(self, name: str) -> int:
        """One of `TALLIES`."""
        found = self.connection.execute("SELECT count FROM tally WHERE name = ?", (name,))
        return int(next(found)[0])

    def add_to_tally(self, name: str, count: int) -> int:
        """Count on; the number it came to."""
        found = self.connection.execute(
            "UPDATE tally SET count = count + ? WHERE name = ? RETURNING count", (count, name)
        ).get
        return int(found)

    def newest_number(self) -> int:
        """The number of the newest record that was ever kept."""
        found = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'")
        row = next(found, None)
        return int(row[0]) if row is not None else 0

    def _take_up(self, epoch: str | None) -> str:
        """Bring the store to this version; begin it, or see that it is the right one."""
        bring_up(self.connection, STEPS, noun=NOUN)
        row = next(self.connection.execute("SELECT id, epoch, key FROM station"), None)
        if row is None and epoch is None:
            return self._begin()
        found_id, found_epoch, found_key = row or ("none", "none", "none")
        if found_id != self.station:
            raise StoreError(
                f"the store is that of station {found_id}, not {self.station};"
                " give it back its id, or take another folder"
            )
        if found_key != key_id(self.keeper.key.public_key()):
            raise StoreError(
                f"the store is signed by the key {found_key}, device.key is another;"
                " put the station's own back, or take another folder"
            )
        if epoch not in (None, found_epoch):
            raise StoreError(f"another store stands at {self._path}; put back that of {epoch}")
        return str(found_epoch)

    def _begin(self) -> str:
        epoch = secrets.token_hex(_EPOCH_BYTES)
        with self.connection:
            self.connection.execute(
                "INSERT INTO station VALUES (1, ?, ?, ?, ?)",
                (
                    self.station,
                    epoch,
                    key_id(self.keeper.key.public_key()),
                    self.keeper.clock.utc_ms(),
                ),
            )
            self.connection.execute("INSERT INTO life VALUES (1, ?, ?, 0)", (self.station, epoch))
            self.connection.executemany(
                "INSERT INTO place VALUES (1, ?, ?, 1, 0, ?, 0, ?, 0)",
                ((feed, self.station, START_HASH, START_HASH) for feed in FEEDS),
            )
            self.connection.executemany(
                "INSERT INTO tally VALUES (?, 0)", ((name,) for name in TALLIES)
            )
        return epoch


def _find_file(path: Path) -> int | None:
    """Which file stands at a path, by its inode; None where none can be seen."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
