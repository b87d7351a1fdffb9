"""What a pole's answers are taken for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PoleWrong
from edge.feeds import Cursor
from edge.station.pulling.pole_answers import (
    parse_health,
    parse_page,
    parse_problem,
    parse_statements,
    parse_who,
    shorten,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
PEM = KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SESSION = b'{"name":"station","scopes":["read","ack"],"cameras":null}'


def make_pole(**changes: Any) -> bytes:
    about = {
        "id": "SG-017",
        "epoch": "k3f9",
        "at": "2026-11-22T17:33:05.120Z",
        "key": {"id": "x", "pem": PEM, "sha256": "0" * 64},
        "feeds": {"alerts": {"head": 7, "hash": "0" * 64, "oldest": 1}},
        "cameras": ["yard"],
        "version": "0.1.0",
        "position": {"lat": 29.7, "lon": 106.6, "height_m": 9},
        "news": "of a later version",
    }
    return msgspec.json.encode({**about, **changes})


def test_page_keeps_the_records_own_bytes() -> None:
    page = parse_page(
        b'{"items":[ {"b":1.0, "a":"\xc3\xa4"} ,{}],"next":"k3.9","oldest":"k3.0","more":true}'
    )

    assert page.items == (b'{"b":1.0, "a":"\xc3\xa4"}', b"{}")
    assert (page.next, page.oldest, page.has_more) == (Cursor("k3", 9), Cursor("k3", 0), True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"items":[],"next":"k3.9","oldest":"k3.0"}',
        b'{"items":[],"next":"k3.09","oldest":"k3.0","more":false}',
        b'{"items":[],"next":9,"oldest":"k3.0","more":false}',
        b'{"items":{},"next":"k3.9","oldest":"k3.0","more":false}',
        b'{"items":[],"next":"k3.9","oldest":"k3.0","more":"no"}',
        b'{"items":[' + b"{}," * 1000 + b'{}],"next":"k3.9","oldest":"k3.0","more":false}',
        b'{"items":[\xff],"next":"k3.9","oldest":"k3.0","more":false}',
        b"[" * 100_000,
    ],
)
def test_page_is_refused_when_it_is_of_another_shape(body: bytes) -> None:
    with pytest.raises(PoleWrong, match="a page of a feed"):
        parse_page(body)


def test_version_makes_no_line_of_its_own_in_the_log() -> None:
    who, _, _ = parse_who(make_pole(version="1\nERROR polewatch: \x1b[31mfire"), SESSION)

    assert who.identity.version == "1 ERROR polewatch:  [31mfire"


def test_who_is_known_by_the_hash_of_the_key_itself_and_not_by_what_it_says() -> None:
    who, scopes, is_for_all = parse_who(make_pole(), SESSION)

    identity = who.identity
    assert identity.key_sha256 == "139e3940e64b5491722088d9a0d741628fc826e09475d341a780acde3c4b8070"
    assert identity.key_pem == PEM
    assert (identity.pole_id, identity.token_name, who.epoch) == ("SG-017", "station", "k3f9")
    assert identity.position == {"lat": 29.7, "lon": 106.6}
    assert (who.at_ms, who.heads) == (1_795_368_785_120, {"alerts": 7})
    assert (scopes, is_for_all) == (frozenset({"read", "ack"}), True)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../x"},
        {"id": None},
        {"epoch": "K"},
        {"at": "yesterday"},
        {"key": {"pem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}},
        {"key": {"pem": PEM.replace("MC", "MD", 1)}},
        {"key": {"pem": ""}},
        {"feeds": []},
        {"cameras": ["x"] * 65},
        {"position": {"lat": 91, "lon": 0}},
    ],
)
def test_who_is_refused_when_a_field_is_something_else(changes: dict[str, Any]) -> None:
    with pytest.raises(PoleWrong, match="/v1/pole"):
        parse_who(make_pole(**changes), SESSION)


def test_health_names_what_is_unwell() -> None:
    health = parse_health(
        b'{"ok":false,"parts":[{"kind":"camera","name":"yard","ok":false,"reason":"frozen\\n"},'
        b'{"kind":"disk","name":null,"ok":true},{"kind":"clock","name":"","ok":false}]}'
    )

    assert (health.is_well, health.unwell) == (False, ("camera yard: frozen ", "clock"))
    assert health.cameras == ("yard",)


def test_statements_are_refused_when_one_is_of_another_shape() -> None:
    assert parse_statements(b'{"items":[],"next":3,"more":false}') == ([], 3, False)
    with pytest.raises(PoleWrong, match="statements"):
        parse_statements(b'{"items":[{"kind":"tail"}],"next":3,"more":false}')


@pytest.mark.parametrize(
    ("body", "said", "oldest"),
    [
        (b'{"detail":"gone","oldest":"k3.7"}', "gone", Cursor("k3", 7)),
        (b'{"detail":"gone","oldest":"7"}', "gone", None),
        (b"<html>", "", None),
        (b'{"detail":["x"]}', "", None),
    ],
)
def test_problem_says_what_it_can(body: bytes, said: str, oldest: Cursor | None) -> None:
    assert parse_problem(body) == (said, oldest)


@given(st.text(max_size=2000))
def test_words_of_a_pole_are_one_short_line_whatever_they_are(text: str) -> None:
    line = shorten(text)

    assert len(line) <= 300
    assert line.isprintable()


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_named_error(body: bytes) -> None:
    for parse in (parse_page, parse_health, parse_statements, lambda raw: parse_who(raw, SESSION)):
        with pytest.raises(PoleWrong):
            parse(body)
