"""How urgent each request to the pole is, for the link: alerts, and what is needed to pull them."""

from __future__ import annotations

from aiohttp import web

from edge.serving.link_budget import Rank

_FOR_ALERTS = frozenset({"/v1/pole", "/v1/health", "/v1/session", "/v1/alerts", "/v1/alerts/{id}"})
"""Without the first three a station does not know whose alerts it has."""
_FEEDS = frozenset({"/v1/feeds/{feed}", "/v1/feeds/{feed}/statements"})
_MEDIA = "/v1/media/{sha256}"


def rank_of(request: web.Request) -> Rank:
    """Rank a request by its route; of a file it is the best that one can have."""
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    if path == _MEDIA:
        return Rank.SNAPSHOTS
    if path in _FEEDS:
        return _of_feed(request.match_info.get("feed", ""))
    is_word = request.method == "POST"  # acks and verdicts: a few bytes each
    return Rank.ALERTS if is_word or path in _FOR_ALERTS else Rank.REST


def rank_of_file(media_type: str) -> Rank:
    """Rank a file: a picture says at once what a clip says in a minute."""
    return Rank.SNAPSHOTS if media_type.startswith("image/") else Rank.CLIPS


def _of_feed(feed: str) -> Rank:
    """News of files come with the first of them."""
    return {"alerts": Rank.ALERTS, "media": Rank.SNAPSHOTS}.get(feed, Rank.REST)
