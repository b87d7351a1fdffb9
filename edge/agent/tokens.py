"""Who may ask the pole for what: tokens, stored as hashes in one 0600 file.

`polewatch token` writes the file; the running agent reads it again whenever it has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOKENS_NAME = "tokens.json"


@dataclass(frozen=True, slots=True)
class Token:
    """What one token allows; `sha256` is that of its text. `cameras` None: all."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    cameras: tuple[str, ...] | None
    is_keeper: bool
    made_at: str


class Tokens:
    """The tokens of a data folder, as the file has them now."""

    def __init__(self, folder: Path) -> None:
        """Load the file; a missing one holds no token.

        Raises:
            StoreError: others may read or write it, or it can't be understood.
        """
        raise NotImplementedError

    def find(self, text: str) -> Token | None:
        """The token of this text, or None."""
        raise NotImplementedError

    def all(self) -> Sequence[Token]:
        """All of them, in the order in which they were made."""
        raise NotImplementedError

    def keepers(self) -> frozenset[str]:
        """Names whose acks count: those marked, else the first with scope `ack`."""
        raise NotImplementedError
