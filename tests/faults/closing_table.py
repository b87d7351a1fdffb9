"""The table that ends a run: how often each kind of fault was tried, and what was lost.

A row travels with its test's report, so that it is told also by a worker in another process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

PROPERTY = "closing table"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault; `lost` counts what was told and was not there, or not right, after."""

    kind: str
    tried: int
    lost: int


class ClosingTable:
    """Takes the rows of one test."""

    def __init__(self, node: pytest.Item) -> None:
        """`node` is the test."""
        self._node = node

    def add(self, kind: str, tried: int, lost: int) -> None:
        """Count a fault that was tried; rows of one kind are added up."""
        self._node.user_properties.append((PROPERTY, (kind, tried, lost)))


def read_rows(properties: Iterable[tuple[str, object]]) -> list[Row]:
    """Find the rows among what tests have told."""
    return [Row(*value) for name, value in properties if name == PROPERTY]  # type: ignore[misc]


def sum_up(rows: Iterable[Row]) -> list[Row]:
    """Add up rows of one kind; by the name of the kind."""
    sums: dict[str, Row] = {}
    for row in rows:
        before = sums.get(row.kind, Row(row.kind, 0, 0))
        sums[row.kind] = Row(row.kind, before.tried + row.tried, before.lost + row.lost)
    return sorted(sums.values(), key=lambda row: row.kind)


def format_table(rows: Iterable[Row]) -> list[str]:
    """Lines for people."""
    table = [("fault", "tried", "lost"), *((r.kind, str(r.tried), str(r.lost)) for r in rows)]
    width = max(len(kind) for kind, _, _ in table)
    return [f"{kind:<{width}}  {tried:>7}  {lost:>6}" for kind, tried, lost in table]
