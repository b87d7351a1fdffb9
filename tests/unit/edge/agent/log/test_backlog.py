"""What waits for a bad disk: in order, bounded, and what was given up is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from edge.agent.log.backlog import Backlog
from edge.feeds import FEEDS, Draft, Feed
from tests.support.drafts import make_draft


@dataclass(frozen=True)
class Job:
    drafts: Sequence[Draft] = ()


def job(*feeds: Feed) -> Job:
    return Job(tuple(make_draft(number, feed=feed) for number, feed in enumerate(feeds)))


def line(*jobs: Job, count_max: int = 3) -> Backlog[Job]:
    backlog: Backlog[Job] = Backlog(count_max=count_max)
    for each in jobs:
        backlog.add(each)
    return backlog


def test_jobs_leave_in_the_order_in_which_they_came() -> None:
    jobs = [job("alerts"), Job(), job("audit", "audit"), job("health")]
    backlog = line(*jobs)
    assert backlog.first(3) == jobs[:3]
    assert backlog.first(1) == jobs[:1]
    backlog.drop_first(3)
    assert list(backlog) == jobs[3:]
    assert backlog.first(10) == jobs[3:]


def test_large_job_is_a_group_of_its_own() -> None:
    jobs = [Job(tuple(map(make_draft, range(9)))), job("alerts")]
    assert line(*jobs).first(3) == jobs[:1]


def test_nothing_is_given_up_while_there_is_room() -> None:
    assert line(job("health"), job("measures"), job("health")).trim() == []


def test_oldest_of_the_least_missed_go_first() -> None:
    health, measure, capture = job("health"), job("measures"), job("captures")
    backlog = line(capture, health, job("alerts"), measure, job("audit"))
    assert backlog.trim() == [health, measure]
    assert [each.drafts[0].feed for each in backlog] == ["captures", "alerts", "audit"]
    backlog.add(job("media"))
    assert backlog.trim() == [capture]
    backlog.add(job("alerts"))
    assert backlog.trim() == []
    assert len(backlog) == 4


def test_job_that_brings_an_alert_too_is_kept_whole() -> None:
    assert line(job("health", "alerts"), job("health", "health", "health")).trim() == [
        job("health", "health", "health")
    ]


@given(st.lists(st.lists(st.sampled_from(FEEDS), max_size=3)), st.integers(0, 10))
def test_alerts_media_and_audit_are_never_given_up(feeds: list[list[Feed]], count_max: int) -> None:
    jobs = [job(*each) for each in feeds]
    backlog = line(*jobs, count_max=count_max)
    gone = backlog.trim()
    assert {draft.feed for each in gone for draft in each.drafts} <= {
        "health", "measures", "captures",
    }  # fmt: skip
    assert len(gone) + len(backlog) == len(jobs)
    left = sum(len(each.drafts) for each in backlog)
    assert left <= count_max or not {"health", "measures", "captures"} & {
        draft.feed
        for each in backlog
        for draft in each.drafts
        if len({other.feed for other in each.drafts}) == 1
    }
