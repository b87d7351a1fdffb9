"""A store with a signed pole, and what `polewatch station verify` says of it once it is spoilt."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.cli import main
from edge.evidence import Link, SignedStatement, Statement, sign
from edge.station.ports.vault import Identity
from edge.station.store.schema import STORE_NAME
from edge.station.store.station_store import StationStore
from tests.support.station_store import (
    PolePages,
    make_alert,
    make_file,
    make_store,
    make_word,
    put_part,
)

POLE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLIP = b"the clip of a fire"
DIGEST = hashlib.sha256(CLIP).hexdigest()


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def identity(key: Ed25519PrivateKey = POLE_KEY, *, epoch: str = "e1") -> Identity:
    digest = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()
    return Identity("SG-017", digest, pem(key), "station", epoch=epoch)


def sign_head(link: Link, key: Ed25519PrivateKey = POLE_KEY) -> SignedStatement:
    at = "2026-09-21T14:13:20.000Z"
    return sign(Statement("head", "SG-017", link.epoch, link.feed, link.seq, link.hash, at), key)


async def fill(store: StationStore) -> PolePages:
    """Five alerts of a pole, two of them signed; a clip; what a desk said of one."""
    pages = PolePages()
    await store.keep_identity("SG-017", identity())
    signed = []
    for number in range(1, 6):
        await store.keep(pages.page(make_alert(number)))
        if number in (3, 5):
            signed.append(sign_head(pages.link("alerts")))
    await store.keep(pages.page(make_file(1, CLIP)))
    assert await store.keep_statements("SG-017", signed) == []
    part = put_part(store, "SG-017", CLIP)
    (wanted,) = await store.wanted("SG-017", limit=9)
    await store.keep_file(wanted, part)
    await store.say([make_word(1, "alert.ack")], pass_on=True)
    return pages


def make(folder: Path, more: Callable[[StationStore, PolePages], Any] | None = None) -> Path:
    async def work() -> None:
        async with make_store(folder) as store:
            pages = await fill(store)
            if more is not None:
                await more(store, pages)

    asyncio.run(work())
    return folder


def verify(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any]:
    code = main(["station", "verify", "--json", *map(str, words)])
    return code, json.loads(capsys.readouterr().out)


def findings(report: Any) -> set[str]:
    return {
        f"{each['pole']} {each['feed']} {each['seq']}: {each['problem']}"
        for each in report["findings"]
    }


def change(folder: Path, statement: str, *values: apsw.SQLiteValue) -> None:
    connection = apsw.Connection(str(folder / STORE_NAME))
    connection.execute(statement, values)
    connection.close()


OF_POLE = "life <> 1 AND feed = 'alerts'"
