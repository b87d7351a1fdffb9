"""Rule type `intrusion`: something labelled is in a zone where nothing should be; pure."""

from __future__ import annotations

from collections.abc import Sequence

from edge.config.model import IntrusionRule
from edge.eye.rules import visits
from edge.eye.rules.cases import Case
from edge.eye.rules.identity import Sighted
from edge.eye.rules.presence import Place, Terms
from edge.eye.rules.visits import Visiting


def step(
    rule: IntrusionRule,
    places: Sequence[Place],
    state: Visiting,
    *,
    seen: Sequence[Sighted],
    t: float,
) -> tuple[Visiting, tuple[Case, ...]]:
    """Find the intrusions on one frame: one case for each place and visit.

    Args:
        rule: its settings.
        places: the rule's zones on this camera, or the whole picture.
        state: what the last step returned.
        seen: all live tracks of this frame.
        t: seconds of media time.

    Returns:
        The new state and the cases, ended ones first.
    """
    terms = Terms(labels=frozenset(rule.labels), debounce_s=rule.debounce_s, clear_s=rule.clear_s)
    return visits.step(state, places, terms, seen=seen, t=t)
