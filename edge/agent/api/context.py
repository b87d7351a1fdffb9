"""What the API's handlers work with: the pole's parts, built in `agent/main.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.agent.health import Health
from edge.agent.ports import Eyes, Log
from edge.agent.tokens import Tokens
from edge.clock import Clock
from edge.config.model import Config
from edge.feeds import ClockReading
from edge.serving.tls_identity import TlsBinding


@dataclass(frozen=True, slots=True)
class Pole:
    """The pole, as the API sees it; one for each server.

    `config_text` is the TOML that `config` was loaded from, and `config_folder` where it lies.
    `tls` says which certificate the server shows; None: it listens in plain on loopback.
    """

    config: Config
    log: Log
    eyes: Eyes
    tokens: Tokens
    clock: Clock
    public_key: Ed25519PublicKey
    read_clock: Callable[[], ClockReading]
    make_id: Callable[[], str]
    judge_health: Callable[[], Awaitable[Health]]
    begun_ms: int
    config_text: str = ""
    config_folder: Path = Path()
    tls: TlsBinding | None = None


POLE = web.AppKey("pole", Pole)
