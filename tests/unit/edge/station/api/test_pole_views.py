"""Poles as desks are told of them: made when they have changed, and once for all desks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from edge.station.api.pole_views import PoleViews
from edge.station.ports.links import PoleView
from tests.support.still_links import StillLinks, make_view

BEGUN_MS = 1_795_368_785_120


@dataclass
class CountedLinks(StillLinks):
    """Counts how many views are made."""

    made: int = 0

    def view(self, pole: str) -> PoleView:
        self.made += 1
        return super().view(pole)


def make_links() -> CountedLinks:
    links = CountedLinks({f"P{number}": make_view(f"P{number}") for number in range(300)})
    links.set("P7", state="silent")
    return links


def names(body: bytes) -> list[Any]:
    return [pole["name"] for pole in msgspec.json.decode(body)]


def test_only_the_view_of_the_pole_that_changed_is_made_and_once_for_all_desks() -> None:
    links = make_links()
    views = PoleViews(links, BEGUN_MS)

    answers = [views.changed(BEGUN_MS) for _ in range(30)]

    assert [names(answer) for answer in answers] == [["P7"]] * 30
    assert links.made == 1
    links.set("P8", state="silent")
    assert names(views.changed(BEGUN_MS)) == ["P7", "P8"]
    assert names(views.changed(BEGUN_MS + 1)) == ["P8"]


def test_whether_there_is_news_is_seen_without_a_view() -> None:
    links = make_links()
    views = PoleViews(links, BEGUN_MS)

    assert (views.has_changed(BEGUN_MS), views.has_changed(views.change)) == (True, False)
    assert views.has_changed(views.change + 1)  # a number of another life
    assert links.made == 0


def test_desk_of_another_life_is_told_of_all() -> None:
    views = PoleViews(make_links(), BEGUN_MS)

    assert len(names(views.changed(BEGUN_MS - 5))) == 300
    assert len(names(views.changed(BEGUN_MS + 9))) == 300
