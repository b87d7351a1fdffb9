"""Poles that answer or not, as a watch for silence sees them, and looks at them one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from edge.station.pulling.silence import State, Told, step
from edge.station.pulling.silence_alert import Cause
from edge.station.pulling.silence_pole import Observed, Patience

T0_MS = 1_795_368_785_000
PATIENCE = Patience()
POLES = {"P1": "gate", "P2": "gate", "P3": None, "P4": "quay", "P5": "hill"}


def make_observed(pole: str, **fields: Any) -> Observed:
    """A pole that is well: heard just now, nothing to come."""
    well = Observed(
        pole=pole, site=POLES[pole], quiet_s=1.0, unanswered_s=1.0, has_failed=False,
        heard_ms=T0_MS, cause="unknown", detail="", feeds_coming=(), files_waiting=0,
    )  # fmt: skip
    return replace(well, **fields)


def make_quiet(pole: str, quiet_s: float = 60.0, *, cause: Cause = "link") -> Observed:
    """A pole that does not answer."""
    return make_observed(
        pole, quiet_s=quiet_s, unanswered_s=quiet_s, has_failed=True, cause=cause, detail="no route"
    )


class Watch:
    """Steps one after the other; keeps what was told."""

    def __init__(self, state: State | None = None, patience: Patience = PATIENCE) -> None:
        self.state, self.patience = state or State(), patience
        self.told: list[Told] = []

    def look(self, at_s: float, *changed: Observed) -> list[Told]:
        """A look at all poles; those that are not named are well."""
        now = {name: make_observed(name) for name in POLES} | {each.pole: each for each in changed}
        at_ms = T0_MS + round(at_s * 1000)
        self.state, told = step(self.state, at_ms, list(now.values()), self.patience)
        self.told += told
        return told


observations = st.builds(
    make_observed,
    st.sampled_from(sorted(POLES)),
    quiet_s=st.sampled_from([0.0, 20.0, 40.0, 61.0, 130.0]),
    unanswered_s=st.sampled_from([0.0, 40.0, 130.0]),
    has_failed=st.booleans(),
    heard_ms=st.sampled_from([None, T0_MS]),
    cause=st.sampled_from(["link", "refused", "mains"]),
    feeds_coming=st.sampled_from([(), ("captures",)]),
    files_waiting=st.integers(0, 2),
)
looks = st.lists(
    st.tuples(st.floats(0, 400), st.lists(observations, max_size=5, unique_by=lambda o: o.pole)),
    max_size=25,
)
