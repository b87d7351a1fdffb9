"""The pole itself: who it is, whether it is well, and how it is configured."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.agent.api.context import POLE, Pole
from edge.agent.health import Health, Part
from edge.config.load import check_config_text
from edge.errors import Fault
from edge.evidence import key_id
from edge.feeds import FEEDS
from edge.model import Json
from edge.serving.access import ACCESS
from edge.serving.audit import note_access
from edge.serving.problems import Problem
from edge.serving.queries import read_parameters
from edge.serving.routes import CALLER, Caller, Public, Route
from edge.wire import format_utc

TOML = "application/toml"
CHECKED_NAME = "polewatch.toml"
"""What a configuration that was sent is called in its faults."""


async def show_pole(request: web.Request) -> web.Response:
    """Say who the pole is, by which key it signs, and where its feeds stand."""
    read_parameters(request)
    pole, caller = request.app[POLE], request[CALLER]
    about = pole.config.pole
    position = None if about.position is None else asdict(about.position)
    clock = pole.read_clock()
    return _json(
        {
            "id": about.id,
            "name": about.name,
            "gbid": about.gbid,
            "position": position,
            "timezone": about.timezone,
            "version": version("polewatch"),
            "epoch": pole.log.epoch,
            "begun_at": format_utc(pole.begun_ms),
            "at": format_utc(pole.clock.utc_ms()),
            "clock": {"state": clock.state, "boot": clock.boot, "mono_ms": clock.mono_ms},
            "key": _show_key(pole),
            "tls": None if pole.tls is None else asdict(pole.tls),
            "cameras": [name for name in pole.eyes.names if caller.may_see(name)],
            "feeds": _show_feeds(pole, caller),
        }
    )


async def show_health(request: web.Request) -> web.Response:
    """Say whether the pole can be relied on: to everybody yes or no, with `read` why not."""
    pole = request.app[POLE]
    caller = request.app[ACCESS].identify(request)
    read_parameters(request)
    health = await pole.judge_health()
    status = 200 if health.is_well else 503
    if caller is None or "read" not in caller.scopes:
        return _json({"ok": health.is_well}, status=status)
    return _json(
        {
            "ok": health.is_well,
            "at": format_utc(pole.clock.utc_ms()),
            "pole": pole.config.pole.id,
            "parts": _show_parts(health, caller),
        },
        status=status,
    )


async def show_config(request: web.Request) -> web.Response:
    """Give the configuration as it was loaded; passwords are never in it."""
    read_parameters(request)
    if request.method != "HEAD":
        await note_access(request, what="config")
    return web.Response(text=request.app[POLE].config_text, content_type=TOML, charset="utf-8")


async def check_config(request: web.Request) -> web.Response:
    """Say every fault of a configuration that is sent as TOML; nothing is changed."""
    read_parameters(request)
    if request.body_exists and request.content_type not in (TOML, "text/plain"):
        raise Problem(415, f"the body must be TOML; send it with Content-Type: {TOML}")
    folder = request.app[POLE].config_folder
    try:
        text = (await request.read()).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Problem(400, "the body is not UTF-8 text; save it as UTF-8") from exc
    faults, warnings = await asyncio.to_thread(check_config_text, text, folder / CHECKED_NAME)
    shown: dict[str, Json] = {
        "good": not faults,
        "faults": _show_faults(faults, f"{folder}/"),
        "warnings": _show_faults(warnings, f"{folder}/"),
    }
    return _json(shown)


def _show_key(pole: Pole) -> Json:
    """The device's public key, and its names: that of statements, and the SHA-256 of its bytes."""
    raw = pole.public_key.public_bytes_raw()
    pem = pole.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "id": key_id(pole.public_key),
        "pem": pem.decode(),
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


def _show_feeds(pole: Pole, caller: Caller) -> Json:
    """Where each feed stands; who may see some cameras only gets no proof of the whole chain."""
    shown: dict[str, Json] = {}
    for feed in FEEDS:
        head = pole.log.head(feed)
        proof = head.hash if caller.cameras is None else None
        shown[feed] = {"head": head.seq, "hash": proof, "oldest": head.oldest}
    return shown


def _show_parts(health: Health, caller: Caller) -> Json:
    return [
        {
            "kind": part.kind,
            "name": part.name,
            "ok": part.is_well,
            "reason": part.reason,
            "data": dict(part.data),
        }
        for part in health.parts
        if _may_see(caller, part)
    ]


def _may_see(caller: Caller, part: Part) -> bool:
    """Of cameras one's own; what nobody has acknowledged tells of all cameras."""
    if part.kind in ("camera", "alerts"):
        return caller.may_see(part.name if part.kind == "camera" else None)
    return True


def _show_faults(faults: Sequence[Fault], folder: str) -> Json:
    """Faults without the folder that the pole keeps its configuration in."""
    return [
        {
            "path": fault.path.removeprefix(folder),
            "problem": fault.problem,
            "remedy": fault.remedy,
        }
        for fault in faults
    ]


def _json(value: Json, *, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json"
    )


_HEALTH = Public("a load balancer or a technician without a token may ask whether it is well")
ROUTES = (
    Route("GET", "/v1/pole", show_pole, "read"),
    Route("GET", "/v1/health", show_health, _HEALTH),
    Route("GET", "/v1/config", show_config, "admin"),
    Route("POST", "/v1/config/check", check_config, "admin"),
)
