"""The pole's figures for a monitoring system: /metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from aiohttp import web

from edge.agent.api.context import POLE, Pole
from edge.agent.eyes.eye_lines import SightProof
from edge.agent.ports import EyeState, EyeStatus
from edge.feeds import FEEDS
from edge.serving.link import LINK, Link
from edge.serving.open_metrics import CONTENT_TYPE, Family, Figure, encode_families
from edge.serving.queries import read_parameters
from edge.serving.routes import CALLER, Route
from edge.serving.traffic import TRAFFIC
from edge.serving.traffic_figures import traffic_families

_MS_PER_S = 1000
_BYTES_PER_MB = 1_000_000
_SEES = ("seeing", "dark")


async def show_metrics(request: web.Request) -> web.Response:
    """Give all figures; of cameras only those that the caller may see."""
    read_parameters(request)
    pole, caller = request.app[POLE], request[CALLER]
    eyes = [pole.eyes.status(name) for name in pole.eyes.names if caller.may_see(name)]
    families = [
        *_of_cameras(eyes),
        *_of_sight(eyes),
        *_of_pole(pole),
        *_of_link(request.app[LINK]),
        *traffic_families(request.app[TRAFFIC]),
    ]
    body = encode_families(families).encode()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def _of_cameras(eyes: list[EyeStatus]) -> list[Family]:
    def per_eye(value: Callable[[EyeStatus], float]) -> list[Figure]:
        return [Figure(value(eye), {"camera": eye.name}) for eye in eyes]

    states = [
        Figure(float(eye.state == state), {"camera": eye.name, "polewatch_camera_state": state})
        for eye in eyes
        for state in get_args(EyeState)
    ]
    return [
        Family("polewatch_camera_up", "gauge", "1 while it gives pictures.",
               per_eye(lambda eye: float(eye.state in _SEES))),
        Family("polewatch_camera_watched", "gauge", "1 where pictures are looked at.",
               per_eye(lambda eye: float(eye.is_watched))),
        Family("polewatch_camera_state", "stateset", "What is known of it now.", states),
        Family("polewatch_camera_restarts", "counter", "Starts of its eye after the first.",
               per_eye(lambda eye: float(eye.restarts))),
    ]  # fmt: skip


def _of_sight(eyes: list[EyeStatus]) -> list[Family]:
    """What eyes tell of themselves; their counts begin anew with each start."""

    def per_sight(value: Callable[[SightProof], float]) -> list[Figure]:
        return [Figure(value(eye.sight), {"camera": eye.name}) for eye in eyes if eye.sight]

    return [
        Family("polewatch_camera_frames", "counter", "Pictures that came.",
               per_sight(lambda sight: sight.frames)),
        Family("polewatch_camera_distinct", "counter", "Pictures that differ from the one before.",
               per_sight(lambda sight: sight.distinct)),
        Family("polewatch_camera_decoded", "counter", "Pictures that were decoded.",
               per_sight(lambda sight: sight.decoded)),
        Family("polewatch_camera_inferences", "counter", "Looks of the detector.",
               per_sight(lambda sight: sight.inferences)),
        Family("polewatch_camera_awake", "gauge", "1 while every picture is looked at.",
               per_sight(lambda sight: float(sight.awake))),
        Family("polewatch_camera_cpu_seconds", "counter", "CPU time of its eye.",
               per_sight(lambda sight: sight.cpu_s)),
        Family("polewatch_camera_rss_bytes", "gauge", "Memory of its eye.",
               per_sight(lambda sight: sight.rss_mb * _BYTES_PER_MB)),
    ]  # fmt: skip


def _of_pole(pole: Pole) -> list[Family]:
    heads = {feed: pole.log.head(feed) for feed in FEEDS}
    return [
        Family("polewatch_feed_head", "gauge", "The newest record.",
               [Figure(head.seq, {"feed": feed}) for feed, head in heads.items()]),
        Family("polewatch_feed_oldest", "gauge", "The oldest record that is kept.",
               [Figure(head.oldest, {"feed": feed}) for feed, head in heads.items()]),
        Family("polewatch_log_up", "gauge", "1 while the disk takes records.",
               [Figure(float(pole.log.fault is None), {})]),
        Family("polewatch_log_waiting", "gauge", "Records that are in memory only.",
               [Figure(len(pole.log.waiting()), {})]),
        Family("polewatch_tokens_up", "gauge", "1 while the token file can be used.",
               [Figure(float(pole.tokens.fault is None), {})]),
        Family("polewatch_begun_seconds", "gauge", "When the agent began, since 1970.",
               [Figure(pole.begun_ms / _MS_PER_S, {})]),
    ]  # fmt: skip


def _of_link(link: Link) -> list[Family]:
    if link.budget is None:
        return []
    return [
        Family("polewatch_link_budget_bytes", "gauge", "What may go out in an hour.",
               [Figure(float(link.budget.bytes_per_hour), {})]),
        Family("polewatch_link_used_bytes", "gauge", "What has gone out in the last hour.",
               [Figure(float(link.used_bytes), {})]),
    ]  # fmt: skip


ROUTES = (Route("GET", "/metrics", show_metrics, "read"),)
