"""Who is on record for something that he does again and again, and until when."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from edge.clock import NS_PER_S


class Noted:
    """Keeps that in memory; as many entries as there are names and things to do."""

    def __init__(self, for_s: int) -> None:
        """Nobody yet; after `for_s` somebody is put on record again."""
        self._for_s = for_s
        self._until_ns: dict[tuple[str, str], int] = {}

    def take_due(self, name: str, whats: Sequence[str], now_ns: int) -> list[str]:
        """Give those things for which somebody is to be put on record now."""
        keys = [(name, what) for what in whats]
        due = [key for key in keys if self._until_ns.get(key, now_ns) <= now_ns]
        for key in due:
            self._until_ns[key] = now_ns + self._for_s * NS_PER_S
        return [what for _, what in due]


NOTED = web.AppKey("noted", Noted)
