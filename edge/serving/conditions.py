"""Whether a request's own conditions let it through: If-Match and its kin; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')

Outcome = Literal["failed", "unchanged", "go on"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request says; empty where it does not."""

    if_match: str = ""
    if_none_match: str = ""
    if_range: str = ""


def judge(conditions: Conditions, tag: str) -> Outcome:
    """Hold a read against what is there.

    Args:
        conditions: of the request.
        tag: the strong entity tag of what is there, in its quotes.

    Returns:
        "failed": 412; "unchanged": 304; else it is answered.

    Source: RFC 9110 §13.1.1, §13.1.2, §13.2.2.
    """
    if conditions.if_match and not _names(conditions.if_match, tag, weakly=False):
        return "failed"
    if conditions.if_none_match and _names(conditions.if_none_match, tag, weakly=True):
        return "unchanged"
    return "go on"


def keeps_range(conditions: Conditions, tag: str) -> bool:
    """Whether Range counts: only for the very file that the caller has begun to fetch.

    A date never is: ours are not exact to the byte. Source: RFC 9110 §13.1.5.
    """
    return not conditions.if_range or conditions.if_range.strip(" \t") == tag


def _names(listed: str, tag: str, *, weakly: bool) -> bool:
    if listed.strip(" \t") == "*":
        return True
    return any(found == tag and (weakly or not weak) for weak, found in _TAG.findall(listed))
