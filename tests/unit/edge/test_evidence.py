"""Canonical bytes as RFC 8785 has them, hashes over them, and what a changed byte does."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import EvidenceError
from edge.evidence import (
    EXACT_MAX,
    START_HASH,
    Statement,
    canonical_json,
    check_signature,
    key_id,
    open_seal,
    seal,
    sign,
)

HEAD = Statement("head", "SG-017", "k3f9", "alerts", 7, "ab" * 32, "2026-11-22T17:33:05.120Z")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-EXACT_MAX, EXACT_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        # RFC 8785, appendix B.
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0x4430000000000000, "295147905179352830000"),
        (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, "1e+23"),
        (0x44B52D02C7E14AF7, "1.0000000000000001e+23"),
        (0x444B1AE4D6E2EF4E, "999999999999999700000"),
        (0x444B1AE4D6E2EF50, "1e+21"),
        (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"),
        (0x3EB0C6F7A0B5ED8D, "0.000001"),
        (0x41B3DE4355555553, "333333333.3333332"),
        (0x41B3DE4355555557, "333333333.33333343"),
        (0xBECBF647612F3696, "-0.0000033333333333333333"),
        (0x43143FF3C1CB0959, "1424953923781206.2"),
    ],
)
def test_number_is_written_as_the_standard_has_it(bits: int, written: str) -> None:
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    assert canonical_json(value) == written.encode()


def test_text_and_keys_are_written_as_the_standard_has_them() -> None:
    # RFC 8785 §3.2.2 and §3.2.3.
    value: dict[str, Any] = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical_json(value) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    assert list(json.loads(canonical_json(dict.fromkeys(keys)))) == [
        "\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33",
    ]  # fmt: skip


@given(values)
def test_canonical_json_reads_back_and_is_its_own_canonical_form(value: Any) -> None:
    body = seal({"value": value}).body
    again = open_seal(body)["value"]
    assert again == value
    assert canonical_json(again) == canonical_json(value)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 2**53 + 1, 10**400, "\ud800", {"\udfff": 1}]
)
def test_value_without_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError):
        canonical_json(value)


def test_sealed_record_ends_with_the_hash_of_what_stands_before() -> None:
    sealed = seal({"seq": 1, "prev": START_HASH, "feed": "alerts"})
    canonical = f'{{"feed":"alerts","prev":"{START_HASH}","seq":1}}'
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert sealed.hash == digest
    assert sealed.body == f'{canonical[:-1]},"hash":"{digest}"}}'.encode()
    assert open_seal(sealed.body) == {
        "feed": "alerts", "prev": START_HASH, "seq": 1, "hash": sealed.hash,
    }  # fmt: skip


@given(st.dictionaries(st.text(), values, max_size=4), st.data())
def test_any_changed_byte_of_a_sealed_record_is_noticed(record: Any, data: Any) -> None:
    record.pop("hash", None)
    body = seal({"seq": 1, **record}).body
    index = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[index]))
    with pytest.raises(EvidenceError):
        open_seal(body[:index] + bytes([other]) + body[index + 1 :])


@given(st.binary(max_size=300))
def test_bytes_that_are_no_record_are_refused(body: bytes) -> None:
    with pytest.raises(EvidenceError):
        open_seal(body)


@pytest.mark.parametrize(
    "canonical",
    ['{"a":' + "[" * 700 + "]" * 700 + "}", '{"a":' + "1" * 400 + "}", '{"a":' + "1" * 5000 + "}"],
)
def test_record_that_no_reader_can_hold_is_refused_though_its_hash_fits(canonical: str) -> None:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    with pytest.raises(EvidenceError, match="a record can hold"):
        open_seal(f'{canonical[:-1]},"hash":"{digest}"}}'.encode())


def test_record_in_another_order_is_refused_though_its_hash_fits() -> None:
    canonical = b'{"seq":1,"feed":"alerts"}'
    digest = hashlib.sha256(canonical).hexdigest()
    with pytest.raises(EvidenceError, match="canonical"):
        open_seal(canonical[:-1] + f',"hash":"{digest}"}}'.encode())


def test_signature_holds_for_its_key_and_statement_alone() -> None:
    signed = sign(HEAD, KEY)
    check_signature(signed, KEY.public_key())
    assert signed.key == key_id(KEY.public_key())
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(EvidenceError, match="forged"):
        check_signature(signed, other.public_key())
    for changed in (
        replace(HEAD, seq=8), replace(HEAD, kind="checkpoint"), replace(HEAD, pole="SG-018"),
    ):  # fmt: skip
        with pytest.raises(EvidenceError, match="forged"):
            check_signature(replace(signed, statement=changed), KEY.public_key())
    for bad in ("", "%", "AAAA"):
        with pytest.raises(EvidenceError, match="forged"):
            check_signature(replace(signed, signature=bad), KEY.public_key())
