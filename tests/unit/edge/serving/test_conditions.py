from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.serving.conditions import Conditions, judge, keeps_range

TAG = '"ab12"'


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        (Conditions(), "go on"),
        (Conditions(if_match=TAG), "go on"),
        (Conditions(if_match='"x", "ab12"'), "go on"),
        (Conditions(if_match="*"), "go on"),
        (Conditions(if_match='W/"ab12"'), "failed"),
        (Conditions(if_match='"x"'), "failed"),
        (Conditions(if_match="ab12"), "failed"),
        (Conditions(if_none_match=TAG), "unchanged"),
        (Conditions(if_none_match='W/"ab12"'), "unchanged"),
        (Conditions(if_none_match="*"), "unchanged"),
        (Conditions(if_none_match='"x"'), "go on"),
        (Conditions(if_match='"x"', if_none_match=TAG), "failed"),
    ],
)
def test_read_is_held_against_what_is_there(conditions: Conditions, outcome: str) -> None:
    assert judge(conditions, TAG) == outcome


@pytest.mark.parametrize(
    ("if_range", "keeps"),
    [("", True), (TAG, True), (f" {TAG} ", True), ('W/"ab12"', False), ('"x"', False),
     ("Sun, 22 Nov 2026 17:33:05 GMT", False), ("*", False)],
)  # fmt: skip
def test_range_counts_only_for_the_very_file(if_range: str, keeps: bool) -> None:
    assert keeps_range(Conditions(if_range=if_range), TAG) is keeps


@given(st.text(), st.text(), st.text())
def test_conditions_are_judged_whatever_is_sent(match: str, none_match: str, span: str) -> None:
    conditions = Conditions(match, none_match, span)

    assert judge(conditions, TAG) in ("failed", "unchanged", "go on")
    assert isinstance(keeps_range(conditions, TAG), bool)
