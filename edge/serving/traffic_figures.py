"""A server's traffic as figures for a monitoring system."""

from __future__ import annotations

from typing import get_args

from edge.serving.open_metrics import Family, Figure
from edge.serving.traffic import Slow, Traffic


def traffic_families(traffic: Traffic) -> list[Family]:
    """Give what was counted."""
    answers = [
        Figure(count, {"route": route, "class": f"{digit}xx"})
        for (route, digit), count in sorted(traffic.requests.items())
    ]
    cut = [Figure(traffic.cut[slow], {"slow": slow}) for slow in get_args(Slow)]
    return [
        Family("polewatch_http_requests", "counter", "Answers by route.", answers),
        Family("polewatch_http_connections", "gauge", "Open just now.",
               [Figure(traffic.connections, {})]),
        Family("polewatch_http_cut", "counter", "Ended because the client was slow.", cut),
        Family("polewatch_http_turned_away", "counter", "More than one address may have.",
               [Figure(traffic.turned_away, {})]),
    ]  # fmt: skip
