"""What is known of each pole while it is pulled, as desks see it, and who waits for news of it.

A view's change number rises only when something a person sees has changed: an answer every few
seconds from each of 300 poles is no news.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.clock import Clock
from edge.errors import PoleRefused, PoleUnreachable, PoleWrong, StoreError
from edge.feeds import FEEDS, Feed
from edge.station.ports.links import Coming, LinkState, PoleView, Trouble
from edge.station.ports.vault import Identity
from edge.station.pulling.ports import PoleHealth, Who
from edge.station.pulling.silence_alert import Cause
from edge.station.pulling.silence_pole import Observed
from edge.waiters import Waiters

CLOCK_NEWS_MS = 1000
"""A clock that runs a little differently is no news each minute."""
DETAIL_CHARS = 300
TROUBLES_MAX = 64
"""All that can be noted of a pole at once: each feed in seven ways, and ten of the pole."""
_NO_ALERTS = "feed alerts"
"""The trouble of a pole whose alerts can't be had: nobody knows that all of them are here."""
_REFUSED = "refused"
"""The trouble of a pole that answers and can't be pulled: its certificate, a redirect, no pole."""


@dataclass(slots=True)
class Missed:
    """What has come since a pole was heard again."""

    alerts: int = 0
    records: int = 0
    files: int = 0


class Contacts:
    """All poles' contacts, with one row of change numbers; for one event loop."""

    def __init__(self, sites: Mapping[str, str | None], clock: Clock) -> None:
        """Nothing has been heard yet.

        Args:
            sites: each pole's site by the pole's name, in the order of the configuration.
            clock: wall time for people, monotonic time for silence.
        """
        self.clock = clock
        self.waiters = Waiters()
        self._change = 0
        self._of = {name: PoleContact(name, site, self) for name, site in sites.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The poles, as configured."""
        return tuple(self._of)

    @property
    def change(self) -> int:
        """The newest change of any view."""
        return self._change

    def of(self, pole: str) -> PoleContact:
        """The contact of one."""
        return self._of[pole]

    def observe(self) -> list[Observed]:
        """Look at all of them, for what is told of silent ones."""
        now_ns = self.clock.monotonic_ns()
        return [contact.observe(now_ns) for contact in self._of.values()]

    def next_change(self) -> int:
        """Number a change and wake who waits for it."""
        self._change += 1
        self.waiters.wake(self._change)
        return self._change


class PoleContact:
    """What is known of one pole; see the Protocol `Contact`."""

    def __init__(self, name: str, site: str | None, contacts: Contacts) -> None:
        """It has not been asked yet."""
        self.name, self.site = name, site
        self._contacts, self._clock = contacts, contacts.clock
        self._begun_ns = self._answered_ns = self._clock.monotonic_ns()
        self._heard_ns: int | None = None
        self._heard_ms: int | None = None
        self._state: LinkState = "starting"
        self._since_ms = self._clock.utc_ms()
        self._failure: Literal["", "link", "refused", "unknown"] = ""
        self._detail = ""
        self._is_power_lost = self._is_stopped = False
        self._behind: set[Feed] = set()
        self._taken: set[Feed] = set()
        self.missed = Missed()
        """Set where a silence of before goes on: it counts on from what was told."""
        self._who: Identity | None = None
        self._clock_ahead_ms: int | None = None
        self._answer_ms: float | None = None
        self._health: PoleHealth | None = None
        self._health_ms: int | None = None
        self._troubles: dict[str, Trouble] = {}
        self._coming: tuple[tuple[Coming, ...], int, int] = ((), 0, 0)
        self._on_nudge: Callable[[], object] = lambda: None
        self.change = 0
        """The last change of its view."""

    # What pulling says -------------------------------------------------------------------------

    def heard(self) -> None:
        """It has answered as a pole does."""
        self._heard_ns = self._answered_ns = self._clock.monotonic_ns()
        self._heard_ms = self._clock.utc_ms()
        if self._failure or self._state in ("starting", "silent", "refused"):
            self._failure, self._detail = "", ""
            self.clear(_REFUSED)
            self._enter(_reached(self._taken, self._behind), is_news=True)

    def failed(self, error: Exception) -> None:
        """It has not; what went wrong at our own disk is no news of a pole."""
        if isinstance(error, StoreError):
            return
        before = self._failure
        self._detail = str(error)[:DETAIL_CHARS] or type(error).__name__
        if isinstance(error, PoleRefused | PoleWrong):
            self._failure = "refused"
            self._answered_ns = self._clock.monotonic_ns()
        elif isinstance(error, PoleUnreachable | OSError):
            self._failure = "link"
        else:
            self._failure = "unknown"
        state: LinkState = self._state
        if self._failure == "refused":
            state = "refused"
            self.trouble(_REFUSED, self._detail)
        elif state == "refused":
            state = "silent"  # it answered nobody since it was last heard, and now not even us
            self.clear(_REFUSED)
        self._enter(state, is_news=before != self._failure)

    def met(self, who: Who, *, clock_ahead_ms: int, answer_ms: float) -> None:
        """It has said who it is, and it is the one that is meant."""
        ahead = self._clock_ahead_ms
        is_moved = ahead is None or abs(ahead - clock_ahead_ms) > CLOCK_NEWS_MS
        is_news = is_moved or who.identity != self._who
        self._who, self._answer_ms = who.identity, round(answer_ms, 1)
        if is_moved:
            self._clock_ahead_ms = clock_ahead_ms
        self.heard()
        self._note(is_news=is_news)

    def told_health(self, health: PoleHealth) -> None:
        """It has said how it is."""
        is_news = health != self._health
        self._health, self._health_ms = health, self._clock.utc_ms()
        self._note(is_news=is_news)

    def took(self, feed: Feed, *, records: int, alerts: int, has_more: bool) -> None:
        """So much has been kept of a feed; an empty page counts too: it says that all is here."""
        self.missed.records += records
        self.missed.alerts += alerts
        if has_more:
            self._behind.add(feed)
        else:
            self._behind.discard(feed)
            self._taken.add(feed)
        if self._state in ("up", "catching up"):
            self._enter(_reached(self._taken, self._behind))

    def trouble(self, what: str, detail: str) -> None:
        """Something is wrong with it, until it is cleared; said again it changes nothing."""
        known = self._troubles.get(what)
        detail = detail[:DETAIL_CHARS]
        if known is None and len(self._troubles) >= TROUBLES_MAX:
            return
        if known is None or known.detail != detail:
            since_ms = self._clock.utc_ms() if known is None else known.since_ms
            self._troubles[what] = Trouble(what, detail, since_ms)
            self._note(is_news=True)

    def clear(self, what: str) -> None:
        """That is over."""
        if self._troubles.pop(what, None) is not None:
            self._note(is_news=True)

    def coming(self, files: Sequence[Coming], *, files_waiting: int, bytes_waiting: int) -> None:
        """Which files are on their way, and what waits behind them."""
        coming = (tuple(files), files_waiting, bytes_waiting)
        is_news = coming != self._coming
        self._coming = coming
        self._note(is_news=is_news)

    def landed(self) -> None:
        """A file has come whole."""
        self.missed.files += 1

    def noted_power(self, *, is_lost: bool) -> None:
        """Its records say that its mains were lost, or are back."""
        self._is_power_lost = is_lost

    def noted_end(self, *, is_stopped: bool) -> None:
        """Its records say that its agent was told to stop, or has begun."""
        self._is_stopped = is_stopped

    def on_nudge(self, call: Callable[[], object]) -> None:
        """Call this when somebody has said something that the pole should be told."""
        self._on_nudge = call

    def nudge(self) -> None:
        """Somebody has; a pole that is not pulled learns of it later."""
        self._on_nudge()

    # What the watch for silence says -----------------------------------------------------------

    def fell_silent(self, *, is_again: bool) -> None:
        """It has not answered for too long: what comes from now on was missed.

        Args:
            is_again: its alert is still open; what was counted counts on.
        """
        self._taken.clear()
        if not is_again:
            self.missed = Missed()
        if self._state != "refused":
            self._enter("silent")

    def observe(self, now_ns: int) -> Observed:
        """What matters for silence, now."""
        since_ns = self._begun_ns if self._heard_ns is None else self._heard_ns
        missed = self.missed
        return Observed(
            pole=self.name,
            site=self.site,
            quiet_s=(now_ns - since_ns) / 1e9,
            unanswered_s=(now_ns - self._answered_ns) / 1e9,
            has_failed=bool(self._failure),
            heard_ms=self._heard_ms,
            cause=self._cause(),
            detail=self._detail,
            feeds_coming=tuple(
                feed for feed in FEEDS if feed in self._behind or feed not in self._taken
            ),
            files_waiting=self._coming[1] + len(self._coming[0]),
            missed_alerts=missed.alerts,
            missed_records=missed.records,
            missed_files=missed.files,
        )

    # What desks see ----------------------------------------------------------------------------

    def view(self) -> PoleView:
        """All of it, now."""
        who, health = self._who, self._health
        files, files_waiting, bytes_waiting = self._coming
        is_well = self._state in ("up", "catching up") and not self._failure
        lacks_alerts = self._state == "up" and _NO_ALERTS in self._troubles
        return PoleView(
            name=self.name,
            site=self.site,
            pole_id=who.pole_id if who else None,
            state="catching up" if lacks_alerts else self._state,
            since_ms=self._since_ms,
            cause="" if is_well or self._state == "starting" else self._cause(),
            heard_ms=self._heard_ms,
            clock_ahead_ms=self._clock_ahead_ms,
            answer_ms=self._answer_ms,
            is_well=health.is_well if health else None,
            unwell=health.unwell if health else (),
            health_ms=self._health_ms,
            cameras=health.cameras if health else who.cameras if who else (),
            position=who.position if who else None,
            troubles=tuple(self._troubles.values()),
            files_waiting=files_waiting,
            bytes_waiting=bytes_waiting,
            coming=files,
            version=who.version if who else "",
            change=self.change,
        )

    def _cause(self) -> Cause:
        """The most telling thing that is known of why it does not answer."""
        if self._failure == "refused":
            return "refused"
        if self._is_power_lost:
            return "mains"
        if self._is_stopped:
            return "stopped"
        return "link" if self._failure == "link" else "unknown"

    def _enter(self, state: LinkState, *, is_news: bool = False) -> None:
        if state != self._state:
            self._state, self._since_ms = state, self._clock.utc_ms()
            is_news = True
        self._note(is_news=is_news)

    def _note(self, *, is_news: bool) -> None:
        if is_news:
            self.change = self._contacts.next_change()


def _reached(taken: Collection[Feed], behind: Collection[Feed]) -> LinkState:
    """How a pole is reached that answers: nobody knows that all is here before alerts came."""
    return "up" if "alerts" in taken and not behind else "catching up"
