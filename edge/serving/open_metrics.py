"""Figures as OpenMetrics text; pure.

Source: OpenMetrics 1.0.0, §5, github.com/prometheus/OpenMetrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One value and the labels that tell it from its neighbours."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Figures of one name; a counter's name goes without `_total`, a unit is its last word."""

    name: str
    type: Literal["gauge", "counter", "stateset"]
    help: str
    figures: Sequence[Figure]


def encode_families(families: Iterable[Family]) -> str:
    """Write families in their order; one without figures is left out."""
    lines: list[str] = []
    for family in families:
        if not family.figures:
            continue
        suffix = "_total" if family.type == "counter" else ""
        lines.append(f"# TYPE {family.name} {family.type}")
        lines.append(f"# HELP {family.name} {family.help.translate(_ESCAPES)}")
        name = f"{family.name}{suffix}"
        lines += [f"{name}{_labels(each)} {_number(each.value)}" for each in family.figures]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _labels(figure: Figure) -> str:
    pairs = [f'{name}="{value.translate(_ESCAPES)}"' for name, value in figure.labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    """Whole numbers to the last digit, others as they read back."""
    return str(int(value)) if value == int(value) else repr(value)
