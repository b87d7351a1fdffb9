"""What a configuration may ask for before its time."""

from __future__ import annotations

from typing import Any

import pytest

from edge.config.not_built import find_idle_labels, find_not_built
from edge.labels import GIVEN
from edge.model import LABELS

PLAIN: dict[str, Any] = {
    "kind": "visible",
    "watch": True,
    "privacy": (),
    "main": "rtsp://10.0.0.1/a",
    "sub": None,
}


def test_plain_camera_asks_for_nothing_that_is_not_built() -> None:
    assert find_not_built("camera[0]", {}) == []
    assert find_not_built("camera[0]", PLAIN) == []
    assert find_not_built("camera[0]", PLAIN | {"watch": False}) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"privacy": (((0, 0), (1, 0), (1, 1)),)}, "camera[0].privacy"),
        ({"kind": "thermal"}, "camera[0].kind"),
        ({"kind": "both"}, "camera[0].kind"),
        ({"main": "isapi://10.0.0.1/x"}, "camera[0].main"),
        ({"sub": "SIM:trailer-night"}, "camera[0].sub"),
    ],
)
def test_each_thing_not_built_is_named_with_its_key(change: dict[str, Any], path: str) -> None:
    found = find_not_built("camera[0]", PLAIN | change)
    assert [fault.path for fault in found] == [path]
    assert found[0].problem.startswith("this camera will not start in this version: ")
    assert found[0].remedy


def test_rule_whose_labels_never_occur_is_named_as_one_that_never_opens() -> None:
    (found,) = find_idle_labels("rule[1]", ["truck", "bus"])
    assert found.path == "rule[1].labels"
    assert "truck, bus" in found.problem
    assert "never opens" in found.problem
    assert '"vehicle"' in found.remedy


def test_rule_some_of_whose_labels_never_occur_names_those_alone() -> None:
    (found,) = find_idle_labels("rule[0]", ["person", "object"])
    assert found.problem == "nothing is labelled object in this version"
    assert found.remedy == "leave it out"


@pytest.mark.parametrize("labels", [None, [], sorted(GIVEN), ["tank"], "truck", [["truck"]]])
def test_rule_whose_labels_occur_or_are_faults_anyway_is_passed_over(labels: object) -> None:
    """Nobody is told off for the default, which stands for what later detectors give."""
    assert find_idle_labels("rule[0]", labels) == []


def test_what_the_detector_gives_can_be_asked_for() -> None:
    assert set(LABELS) >= GIVEN
