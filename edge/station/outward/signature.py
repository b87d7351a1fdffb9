"""Signs what is sent to webhooks, so that whoever receives it knows whose it is; pure.

Source: Standard Webhooks 1.0, standardwebhooks.com, "Signature scheme" (symmetric, v1).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from edge.errors import Fault, ValidationError

SECRET_BYTES_MIN = 16
_PREFIX = "whsec_"


def parse_secret(text: str) -> bytes:
    """Read the key of a webhook's signature.

    Args:
        text: `whsec_` and base64, as the standard writes it, or any word: then its own bytes.

    Raises:
        ValidationError: it is no base64, or shorter than `SECRET_BYTES_MIN` bytes.
    """
    remedy = f"put {_PREFIX} and the base64 of 32 random bytes there, as the receiver has it"
    try:
        secret = (
            base64.b64decode(text.removeprefix(_PREFIX), validate=True)
            if text.startswith(_PREFIX)
            else text.encode()
        )
    except ValueError as exc:
        raise ValidationError([Fault("secret", f"is no base64 after {_PREFIX}", remedy)]) from exc
    if len(secret) < SECRET_BYTES_MIN:
        problem = f"has {len(secret)} bytes, at least {SECRET_BYTES_MIN} are needed"
        raise ValidationError([Fault("secret", problem, remedy)])
    return secret


def make_message_id(*identity: str | int) -> str:
    """Name a message: the same each time it is sent, and without the points that part a signature.

    Args:
        identity: what no other message has all of.
    """
    text = "\n".join(map(str, identity))
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def sign_message(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Sign one attempt at sending a message.

    Args:
        secret: see `parse_secret`.
        message_id: see `make_message_id`.
        timestamp_s: of this attempt, seconds since 1970.
        body: exactly the bytes that are sent.

    Returns:
        The three headers of the standard.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
