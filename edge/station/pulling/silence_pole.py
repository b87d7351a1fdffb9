"""One pole of an alert of silent poles, from look to look: heard again, what was missed; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.station.pulling.silence_alert import Cause, Member


@dataclass(frozen=True, slots=True)
class Patience:
    """When what is told, in seconds.

    Attributes:
        silent_s: without a good answer until it is an alert.
        surely_s: the same where it is not even known that asking has failed: the station may have
            been busy, but nobody can tell any more.
        quiet_s: no pole that is pulled leaves so much between two answers.
        hold_s: heard again it must stay so long until the alert is over.
        settle_s: after the last record until it is believed that no file is wanted.
        records_s: that records may take once it is heard again before the alert closes without
            them: a feed that can never be had keeps no alert open.
        files_s: the same of files, after the records.
        together_s: after its opening others join an alert; who falls silent later opens another,
            for the first may be known of already.
        news_s: between updates of one alert that tell poles joining and leaving.
        progress_s: between updates that tell counts.
        cause_s: between updates that tell nothing but another cause: a link may fail in turns in
            two ways, for days.
    """

    silent_s: float = 60.0
    surely_s: float = 120.0
    quiet_s: float = 35.0
    hold_s: float = 40.0
    settle_s: float = 5.0
    records_s: float = 900.0
    files_s: float = 900.0
    together_s: float = 120.0
    news_s: float = 5.0
    progress_s: float = 30.0
    cause_s: float = 300.0


USUAL = Patience()


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of one pole at one moment.

    Attributes:
        pole: its name.
        site: where it stands; None: a site of its own.
        quiet_s: since its last good answer, or since the station began.
        unanswered_s: the same of any answer at all.
        has_failed: asking it has failed since its last good answer.
        heard_ms: when that was; None: never.
        cause: why it may be silent.
        detail: the same in the words of whoever noticed.
        feeds_coming: those of which records are still to come.
        files_waiting: those still to come.
        missed_alerts: that have come since it was heard again; so also the next two.
        missed_records: of all feeds.
        missed_files: that were fetched.
    """

    pole: str
    site: str | None
    quiet_s: float
    unanswered_s: float
    has_failed: bool
    heard_ms: int | None
    cause: Cause
    detail: str
    feeds_coming: tuple[str, ...]
    files_waiting: int
    missed_alerts: int = 0
    missed_records: int = 0
    missed_files: int = 0


def is_silent(each: Observed, patience: Patience = USUAL) -> bool:
    """Whether a pole has not answered for too long."""
    if each.quiet_s >= patience.surely_s:
        return True
    return each.has_failed and each.quiet_s >= patience.silent_s


def is_silent_anew(member: Member, each: Observed, patience: Patience = USUAL) -> bool:
    """Whether a pole is silent for which this silence was over."""
    return member.over_ms is not None and is_silent(each, patience)


def follow(member: Member, each: Observed, now_ms: int, patience: Patience) -> Member:
    """Bring what is known of a member up to now."""
    member = _set_back(member, now_ms)
    # A station that has just begun has heard nobody yet: quiet is not yet heard again.
    is_heard = each.heard_ms is not None and each.quiet_s < patience.quiet_s
    is_heard = is_heard and not each.has_failed
    if member.back_ms is None:
        if not is_heard:
            is_known = each.has_failed or each.cause != "unknown"  # else it was not asked yet
            is_other = is_known and each.cause != member.cause  # other words are no news
            return replace(member, cause=each.cause, detail=each.detail) if is_other else member
        member = replace(member, back_ms=now_ms, steady_ms=now_ms)
    elif is_silent(each, patience):
        since_ms = each.heard_ms if each.heard_ms is not None else member.since_ms
        return replace(
            member, cause=each.cause, detail=each.detail, since_ms=since_ms,
            back_ms=None, steady_ms=None, records_ms=None, complete_ms=None,
        )  # fmt: skip
    if is_heard and member.steady_ms is None:
        member = replace(member, steady_ms=now_ms)
    elif not is_heard:
        member = replace(member, steady_ms=None)
    member = _count(member, each, now_ms, patience)
    is_over = _is_steady(member, now_ms, patience) and _is_enough(member, now_ms, patience)
    return replace(member, over_ms=now_ms) if is_over and member.over_ms is None else member


def _is_steady(member: Member, now_ms: int, patience: Patience) -> bool:
    return member.steady_ms is not None and now_ms - member.steady_ms >= 1000 * patience.hold_s


def _is_enough(member: Member, now_ms: int, patience: Patience) -> bool:
    """Whether all is here, or was waited for long enough."""
    if member.complete_ms is not None:
        return True
    if member.records_ms is not None:
        return now_ms - member.records_ms >= 1000 * patience.files_s
    return member.back_ms is not None and now_ms - member.back_ms >= 1000 * patience.records_s


def _set_back(member: Member, now_ms: int) -> Member:
    """Let nothing wait for a time to come again that the station's clock has been set back from."""
    return replace(
        member,
        back_ms=_at_most(member.back_ms, now_ms),
        steady_ms=_at_most(member.steady_ms, now_ms),
        records_ms=_at_most(member.records_ms, now_ms),
    )


def _at_most(at_ms: int | None, now_ms: int) -> int | None:
    return None if at_ms is None else min(at_ms, now_ms)


def _count(member: Member, each: Observed, now_ms: int, patience: Patience) -> Member:
    if member.complete_ms is not None or member.over_ms is not None:
        return member
    member = replace(
        member,
        alerts=each.missed_alerts,
        records=each.missed_records,
        files=each.missed_files,
        files_coming=each.files_waiting,
        feeds_coming=each.feeds_coming if member.records_ms is None else (),
    )
    if member.records_ms is None and not each.feeds_coming:
        member = replace(member, records_ms=now_ms)
    if member.records_ms is None or each.files_waiting:
        return member
    if now_ms - member.records_ms < 1000 * patience.settle_s:
        return member
    return replace(member, complete_ms=now_ms if member.files else member.records_ms)
