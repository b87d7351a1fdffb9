"""Rule type `loiter`: somebody stays in a zone longer than allowed; pure.

The time inside adds up over gaps shorter than `clear_s` and starts anew after longer ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.config.model import LoiterRule
from edge.eye.rules import visits
from edge.eye.rules.cases import Case
from edge.eye.rules.identity import Sighted
from edge.eye.rules.presence import Place, Terms
from edge.eye.rules.visits import Visiting


def step(
    rule: LoiterRule, places: Sequence[Place], state: Visiting, *, seen: Sequence[Sighted], t: float
) -> tuple[Visiting, tuple[Case, ...]]:
    """Find the loiterers on one frame: one case for each place, joined by further loiterers.

    Args:
        rule: its settings.
        places: the rule's zones on this camera, or the whole picture.
        state: what the last step returned.
        seen: all live tracks of this frame.
        t: seconds of media time.

    Returns:
        The new state and the cases, ended ones first.
    """
    terms = Terms(
        labels=frozenset(rule.labels),
        debounce_s=rule.debounce_s,
        clear_s=rule.clear_s,
        dwell_s=rule.dwell_s,
    )
    return visits.step(state, places, terms, seen=seen, t=t)
