"""The station itself: who it is, whether it is well, and the map under its poles."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.evidence import key_id
from edge.model import Json
from edge.serving.access import ACCESS
from edge.serving.problems import Problem
from edge.serving.queries import read_parameters
from edge.serving.routes import Public, Route
from edge.station.api.answers import answer_json
from edge.station.api.context import STATION, Part, StationContext
from edge.wire import format_utc

GEOJSON = "application/geo+json"
BESIDE = ("webhook",)
"""Kinds of parts without which desks have everything: somebody else's fault is not ours."""


async def show_station(request: web.Request) -> web.Response:
    """Say who the station is, by which key it signs, and what it has."""
    read_parameters(request)
    station = request.app[STATION]
    about = station.config.station
    sites = {pole.site for pole in station.config.poles if pole.site is not None}
    return answer_json(
        {
            "id": about.id,
            "name": about.name,
            "timezone": about.timezone,
            "shifts": list(about.shifts),
            "version": version("polewatch"),
            "begun_at": format_utc(station.begun_ms),
            "at": format_utc(station.clock.utc_ms()),
            "sites": sorted(sites),
            "poles": len(station.links.names),
            "has_map": station.geojson is not None,
            "fault": station.desk.fault,
            "counts": dict(await station.desk.counts()),
            "key": _show_key(station),
        }
    )


async def show_health(request: web.Request) -> web.Response:
    """Say whether the station can be relied on: to everybody yes or no, with `read` why not."""
    station = request.app[STATION]
    caller = request.app[ACCESS].identify(request)
    read_parameters(request)
    fault = station.desk.fault
    parts = [Part("store", "store", fault is None, fault or ""), *station.judge_parts()]
    is_well = all(part.is_well for part in parts if part.kind not in BESIDE)
    status = 200 if is_well else 503
    if caller is None or "read" not in caller.scopes:
        return answer_json({"ok": is_well}, status=status)
    at = format_utc(station.clock.utc_ms())
    shown = [_show_part(part) for part in parts]
    return answer_json(
        {"ok": is_well, "at": at, "station": station.id, "parts": shown}, status=status
    )


async def get_map(request: web.Request) -> web.Response:
    """Give the user's own GeoJSON; a browser may keep it and asks whether it is still the same."""
    read_parameters(request)
    geojson = request.app[STATION].geojson
    if geojson is None:
        raise Problem(404, "this station has no map; [map] geojson in its configuration gives one")
    headers = {
        "ETag": f'"{hashlib.sha256(geojson).hexdigest()}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=geojson, content_type=GEOJSON, headers=headers)


def _show_key(station: StationContext) -> Json:
    """The station's public key, and its names: of statements, and the SHA-256 of its bytes."""
    key = station.public_key
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    sha256 = hashlib.sha256(key.public_bytes_raw()).hexdigest()
    return {"id": key_id(key), "pem": pem.decode(), "sha256": sha256}


def _show_part(part: Part) -> Json:
    return {
        "kind": part.kind,
        "name": part.name,
        "ok": part.is_well,
        "reason": part.reason,
        "data": dict(part.data),
    }


_HEALTH = Public("a load balancer or a watchdog without a token may ask whether it is well")
ROUTES = (
    Route("GET", "/v1/station", show_station, "read"),
    Route("GET", "/v1/health", show_health, _HEALTH),
    Route("GET", "/v1/map", get_map, "read"),
)
