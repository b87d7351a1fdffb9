"""Hooks for schemathesis: of what it makes up in good form, most is turned into what is there.

Otherwise nearly every path would end in 404 and every cursor in 410, and nothing behind it would
be reached. Named by SCHEMATHESIS_HOOKS; `POLE_OFFER` holds what there is (`pole_server.Offer`).
"""

from __future__ import annotations

import os
import re
from typing import Any
from zlib import crc32

import msgspec
import schemathesis

_OFFER = msgspec.json.decode(os.environ["POLE_OFFER"])
_ULID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
_HASH = re.compile("[0-9a-f]{64}")
_CURSOR = re.compile(r"[0-9a-z]{1,32}\.([0-9]{1,16})")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}(Z|[+-][0-9:]{5})")
_SPAN = {"from": "2026-11-22T17:33:05Z", "to": "2026-11-22T17:33:25Z"}
_SEQS = 25
"""Some cursors lie beyond the newest record."""


def settle_path(_context: Any, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Name alerts and files that are there."""
    return {name: _settle(value) for name, value in values.items()} if values else values


def settle_query(_context: Any, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Give cursors of this log, and wait for milliseconds where it would be a minute."""
    if not values:
        return values
    settled = {name: _settle(value) for name, value in values.items()}
    if isinstance(wait := settled.get("wait"), int | float) and 0 <= wait <= 60:
        settled["wait"] = wait / 1000
    if all(_MOMENT.fullmatch(str(settled.get(name))) for name in _SPAN):
        settled |= _SPAN  # which of two moments comes first can't be said in a schema
    return settled


def settle_body(_context: Any, body: Any) -> Any:
    """The same in bodies."""
    if not isinstance(body, dict):
        return body
    return {
        name: [_settle(each) for each in value] if isinstance(value, list) else _settle(value)
        for name, value in body.items()
    }


def _settle(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    dice = crc32(value.encode("utf-8", "surrogatepass"))
    if dice % 5 == 0:
        return value
    if _ULID.fullmatch(value):
        return _OFFER["alerts"][dice % len(_OFFER["alerts"])]
    if _HASH.fullmatch(value):
        return _OFFER["media"][dice % len(_OFFER["media"])]
    if _CURSOR.fullmatch(value):
        return f"{_OFFER['epoch']}.{dice % _SEQS}"
    return value


schemathesis.hook("map_path_parameters")(settle_path)
schemathesis.hook("map_query")(settle_query)
schemathesis.hook("map_body")(settle_body)
