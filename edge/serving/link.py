"""Who goes first where a link is too thin for all: alerts, snapshots, clips, the rest.

A transfer hands the kernel no more than the link carries in half a second, and nothing while
something more urgent is on its way to the same address: what lies in a queue can't be overtaken.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from edge.clock import NS_PER_S, Clock
from edge.serving.link_budget import Budget, Rank
from edge.serving.problems import Problem
from edge.serving.routes import CALLER
from edge.serving.send_queue import ROOM_BYTES_MIN, SendQueue, look

GIVE_WAY_S_MAX = 5.0
"""So long a transfer waits for others before it sends one piece: nobody is kept out for ever."""
LIVELY_S = 2.0
"""A transfer that has sent nothing for so long keeps nobody waiting."""
SETTLE_S = 0.01
"""An answer has come to the kernel by then."""
ADDRESSES_MAX = 1024
_LOOK_S_MIN, _LOOK_S_MAX = 0.002, 0.1
_HEAD_BYTES = 40
"""Of an answer's first line and end of headers."""

RankOf: TypeAlias = Callable[[web.Request], Rank]


class LinkSpent(Exception):
    """The hour's budget is used up in the middle of an answer."""


@dataclass(eq=False, slots=True)
class _UnderWay:
    """Something that goes out to an address.

    `moved_ns` is when it last did. An answer in one piece has arrived once the other side has
    confirmed `end_bytes` of its connection, which may carry something else by then.
    """

    rank: Rank
    transport: asyncio.BaseTransport
    moved_ns: int
    is_transfer: bool
    end_bytes: int | None = None


class Link:
    """The way out of one server, shared by all its answers; for one event loop."""

    def __init__(self, rank_of: RankOf, clock: Clock, budget: Budget | None = None) -> None:
        """`rank_of` says how urgent a request is; without a budget all may be sent."""
        self.rank_of, self.budget = rank_of, budget
        self._clock = clock
        self._under_way: dict[str, list[_UnderWay]] = {}

    @property
    def used_bytes(self) -> int:
        """What has gone out in the last hour, as far as a budget has it counted."""
        return 0 if self.budget is None else self.budget.used_bytes(self._now_ns())

    def budget_wait_s(self, rank: Rank) -> float:
        """How long the budget keeps a rank waiting; 0: it does not."""
        return 0.0 if self.budget is None else self.budget.wait_s(rank, self._now_ns())

    def admit(self, rank: Rank) -> None:
        """See that the budget has something left for this rank.

        Raises:
            Problem: 429, with the seconds to wait.
        """
        wait_s = self.budget_wait_s(rank)
        if wait_s:
            raise Problem(
                429,
                "the link's budget for this hour is used up; alerts go on, this may come later",
                headers={"Retry-After": str(math.ceil(wait_s))},
                fields={"reason": "link-budget"},
            )

    def note_answer(self, request: web.Request, response: web.StreamResponse) -> None:
        """Count an answer that is about to be sent; while it is on its way it goes before others.

        What is sent in pieces has been counted by `transfer`.
        """
        if not isinstance(response, web.Response):
            return
        if self.budget is not None:
            head = sum(len(name) + len(value) + 4 for name, value in response.headers.items())
            body = response.body
            size_bytes = len(body) if isinstance(body, bytes | bytearray) else 0
            self.budget.spend(_HEAD_BYTES + head + size_bytes, self._now_ns())
        if CALLER not in request or request.transport is None:
            return
        if self.rank_of(request) is Rank.ALERTS:
            going = _UnderWay(Rank.ALERTS, request.transport, self._now_ns(), is_transfer=False)
            self._drop_arrived(_address(request))
            self._under_way.setdefault(_address(request), []).append(going)

    async def give_way(self, request: web.Request, rank: Rank) -> None:
        """Wait while something more urgent is on its way to the same address, not for long."""
        pause_s, waited_s = SETTLE_S, 0.0
        while waited_s < GIVE_WAY_S_MAX and self._is_overtaken(_address(request), rank):
            await asyncio.sleep(pause_s)
            waited_s += pause_s
            pause_s = min(_LOOK_S_MAX, 2 * pause_s)

    @contextlib.contextmanager
    def transfer(self, request: web.Request, rank: Rank) -> Iterator[Transfer]:
        """Send something in pieces within the block."""
        assert request.transport is not None
        address = _address(request)
        going = _UnderWay(rank, request.transport, self._now_ns(), is_transfer=True)
        self._under_way.setdefault(address, []).append(going)
        try:
            yield Transfer(self, request, going)
        finally:
            self._end(address, going)

    def moved(self, going: _UnderWay, size_bytes: int) -> None:
        """Count a piece of a transfer."""
        going.moved_ns = now_ns = self._now_ns()
        if self.budget is not None:
            self.budget.spend(size_bytes, now_ns)

    def check_budget(self, rank: Rank) -> None:
        """See that a transfer may go on.

        Raises:
            LinkSpent: not in this hour.
        """
        if self.budget_wait_s(rank):
            raise LinkSpent("the link's budget for this hour is used up")

    def _is_overtaken(self, address: str, rank: Rank) -> bool:
        """Whether something more urgent is on its way; what has arrived is forgotten."""
        self._drop_arrived(address)
        return any(
            going.rank < rank and (not going.is_transfer or self._age_s(going) < LIVELY_S)
            for going in self._under_way.get(address, ())
        )

    def _drop_arrived(self, address: str) -> None:
        for going in list(self._under_way.get(address, ())):
            if not going.is_transfer and self._has_arrived(going):
                self._end(address, going)
        if len(self._under_way) > ADDRESSES_MAX:  # callers that never came back
            for other in list(self._under_way):
                if not any(going.is_transfer for going in self._under_way[other]):
                    del self._under_way[other]

    def _has_arrived(self, going: _UnderWay) -> bool:
        age_s = self._age_s(going)
        if age_s < SETTLE_S:
            return False
        queue = look(going.transport)
        if queue is None or age_s > GIVE_WAY_S_MAX:
            return True
        if going.end_bytes is None:
            going.end_bytes = queue.acked_bytes + queue.queued_bytes
        return queue.acked_bytes >= going.end_bytes

    def _end(self, address: str, going: _UnderWay) -> None:
        others = self._under_way.get(address, [])
        if going in others:
            others.remove(going)
        if not others:
            self._under_way.pop(address, None)

    def _age_s(self, going: _UnderWay) -> float:
        return (self._now_ns() - going.moved_ns) / NS_PER_S

    def _now_ns(self) -> int:
        return self._clock.monotonic_ns()


class Transfer:
    """One answer that is sent in pieces."""

    def __init__(self, link: Link, request: web.Request, going: _UnderWay) -> None:
        """See `Link.transfer`."""
        self._link, self._request, self._going = link, request, going

    async def turn(self) -> int:
        """Wait until a piece may be sent; how many bytes it may have.

        Raises:
            LinkSpent: nothing more in this hour.
        """
        self.go_on()
        await self._link.give_way(self._request, self._going.rank)
        while True:
            queue = look(self._going.transport)
            if queue is None:
                return ROOM_BYTES_MIN  # the write that follows finds out that it is gone
            if queue.room_bytes > 0:
                return max(ROOM_BYTES_MIN, queue.room_bytes)
            await asyncio.sleep(_pause_s(queue))

    def go_on(self) -> None:
        """See that a piece may be sent, whatever else is on its way.

        Raises:
            LinkSpent: nothing more in this hour.
        """
        self._link.check_budget(self._going.rank)

    def sent(self, size_bytes: int) -> None:
        """A piece has been handed over."""
        self._link.moved(self._going, size_bytes)


LINK = web.AppKey("link", Link)


def _pause_s(queue: SendQueue) -> float:
    """Until about a quarter of the queue has gone."""
    rate = max(1, queue.rate_bytes_s)
    return max(_LOOK_S_MIN, min(_LOOK_S_MAX, queue.queued_bytes / rate / 4))


def _address(request: web.Request) -> str:
    return request.remote or ""
