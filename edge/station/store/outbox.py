"""What others have been told: words and receipts for poles, and how far webhooks have come."""

from __future__ import annotations

from edge.station.desk_fold import TEXT_MAX
from edge.station.ports.vault import Word
from edge.station.store.alerts_table import put_refusal
from edge.station.store.store_file import StoreFile


def note_sent(file: StoreFile, word: Word, refused: str) -> None:
    """A pole has taken a word, or will never take it; one that was taken is forgotten."""
    if refused:
        file.connection.execute(
            "UPDATE word SET is_waiting = 0, refused = ? WHERE number = ?",
            (refused[:TEXT_MAX], word.number),
        )
    else:
        file.connection.execute("DELETE FROM word WHERE number = ?", (word.number,))
    put_refusal(file, word.pole, word.alert, refused[:TEXT_MAX])


def note_told(file: StoreFile, webhook: str, number: int) -> None:
    """Somebody has been told everything up to a number; it never goes back."""
    file.connection.execute(
        "INSERT INTO told VALUES (?, ?) ON CONFLICT (webhook)"
        " DO UPDATE SET number = max(number, excluded.number)",
        (webhook, number),
    )


def forget_acked(file: StoreFile, pole: str) -> None:
    """The pole counts by our token's name: under a new one it must be told of all that is here."""
    file.connection.execute("DELETE FROM ack WHERE pole = ?", (pole,))
    file.connection.execute(
        "UPDATE file SET is_acked = 0 WHERE pole = ? AND state = 'here' AND is_acked", (pole,)
    )
