"""Signatures of webhooks, by the standard's own example."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ValidationError
from edge.station.outward.signature import make_message_id, parse_secret, sign_message

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_signature_is_that_of_the_standard_s_example() -> None:
    """Standard Webhooks, the worked example of the specification's reference libraries."""
    headers = sign_message(
        parse_secret(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_secret_is_base64_behind_its_prefix_else_its_own_bytes() -> None:
    assert parse_secret(f"whsec_{base64.b64encode(bytes(24)).decode()}") == bytes(24)
    assert parse_secret("0123456789abcdef") == b"0123456789abcdef"


@pytest.mark.parametrize("text", ["", "short", "whsec_", "whsec_AAAA", "whsec_no base64 at all!!"])
def test_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="32 random bytes"):
        parse_secret(text)


@given(st.text(), st.integers(), st.integers())
def test_message_id_is_repeatable_and_fit_for_a_header(station: str, number: int, ms: int) -> None:
    message_id = make_message_id(station, number, ms)
    assert message_id == make_message_id(station, number, ms)
    assert message_id != make_message_id(station, number + 1, ms)
    assert message_id.removeprefix("msg_").isalnum()
    assert len(message_id) == 36
