"""That no fault of a chain goes unseen, that each has its own words, and that the walk goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ValidationError
from edge.evidence import START_HASH, Link, seal
from edge.feeds import Life
from edge.station.pulling.chain import RECORD_BYTES_MAX, UNKNOWN, check_page, read_draft
from tests.support.sealed_chain import make_chain, make_draft

START = Link("k3f9", "alerts", 0, START_HASH)
CHAIN = make_chain(6)


def forge(body: bytes, **changes: Any) -> bytes:
    """The same record with other content, sealed well."""
    record = json.loads(body)
    del record["hash"]
    return seal({**record, **changes}).body


def walk(items: list[bytes], place: Link = START) -> tuple[list[int], int, tuple[str, ...]]:
    checked = check_page(place, items, pole_id="SG-017")
    seqs = [record.link.seq for record in checked.records]
    return seqs, checked.place.seq, checked.flaws


def test_chain_is_good_in_one_page_or_in_many() -> None:
    whole = check_page(START, CHAIN, pole_id="SG-017")
    first = check_page(START, CHAIN[:2], pole_id="SG-017")
    rest = check_page(first.place, CHAIN[2:], pole_id="SG-017")

    assert whole.flaws == first.flaws == rest.flaws == ()
    assert [record.body for record in whole.records] == CHAIN
    assert whole.place == rest.place
    assert whole.records[3].draft == make_draft(4)


def test_missing_record_is_named_from_to_and_the_next_one_still_comes() -> None:
    seqs, place, flaws = walk([CHAIN[0], *CHAIN[3:]])

    assert (seqs, place) == ([1, 4, 5, 6], 6)
    assert flaws == ("alerts 2 to 3: missing; 4 follows 1",)


def test_changed_record_is_put_aside_and_its_follower_is_not_blamed() -> None:
    changed = CHAIN[1].replace(b"yard", b"gate", 1)

    checked = check_page(START, [CHAIN[0], changed, *CHAIN[2:]], pole_id="SG-017")

    assert [record.link.seq for record in checked.records] == [1, 3, 4, 5, 6]
    assert checked.flaws == ("alerts 2: was changed: its hash is not that of its bytes",)
    assert checked.unreadable == ((checked.flaws[0], changed),)


def test_replaced_record_shows_at_its_follower() -> None:
    forged = forge(CHAIN[1], severity="info")

    seqs, place, flaws = walk([CHAIN[0], forged, *CHAIN[2:]])

    assert (seqs, place) == ([1, 2, 3, 4, 5, 6], 6)
    assert flaws == ("alerts 3: does not follow 2: one of the two was replaced",)


def test_swapped_records_are_named_as_moved() -> None:
    seqs, place, flaws = walk([CHAIN[0], CHAIN[2], CHAIN[1], *CHAIN[3:]])

    assert (seqs, place) == ([1, 3, 4, 5, 6], 6)
    assert flaws == (
        "alerts 2 to 2: missing; 3 follows 1",
        "alerts 2: comes behind 3: moved, or put in between",
    )


def test_inserted_record_is_named_when_the_true_one_comes() -> None:
    inserted = forge(CHAIN[2], severity="info")

    seqs, _, flaws = walk([*CHAIN[:2], inserted, *CHAIN[2:]])

    assert seqs == [1, 2, 3, 4, 5, 6]
    assert "alerts 3: comes twice, with different bytes" in flaws


@pytest.mark.parametrize(
    ("stranger", "words"),
    [
        (make_chain(2, Life("SG-018", None, "k3f9"))[1], "another pole stands there: 'SG-018'"),
        (make_chain(2, Life("SG-017", None, "0ld"))[1], "another life stands there: '0ld'"),
        (make_chain(2, feed="media")[1], "another feed stands there: 'media'"),
    ],
)
def test_stranger_is_named_and_takes_nobodys_place(stranger: bytes, words: str) -> None:
    seqs, place, flaws = walk([CHAIN[0], stranger, *CHAIN[1:]])

    assert (seqs, place) == ([1, 2, 3, 4, 5, 6], 6)
    assert len(flaws) == 1
    assert words in flaws[0]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        seal({"feed": "alerts", "epoch": "k3f9", "pole": "SG-017"}).body,
        seal({"feed": "alerts", "epoch": "k3f9", "pole": "SG-017", "seq": True}).body,
        forge(CHAIN[1], kind=7),
        forge(CHAIN[1], at="soon"),
        forge(CHAIN[1], media=[{"role": "clip"}]),
        forge(CHAIN[1], data={"x": "y" * RECORD_BYTES_MAX}),
    ],
)
def test_what_is_no_record_is_put_aside_and_the_walk_goes_on(body: bytes) -> None:
    seqs, place, flaws = walk([CHAIN[0], body, *CHAIN[2:]])

    assert (seqs, place) == ([1, 3, 4, 5, 6], 6)
    assert flaws[0].startswith("alerts 2: ")


def test_first_record_counts_when_what_stood_before_it_is_not_known() -> None:
    place = Link("k3f9", "alerts", 3, UNKNOWN)

    assert walk(CHAIN[3:], place) == ([4, 5, 6], 6, ())
    assert walk(CHAIN[4:], place)[2] == ("alerts 4 to 4: missing; 5 follows 3",)


def test_draft_is_refused_when_its_time_is_none() -> None:
    record = json.loads(CHAIN[0])

    assert read_draft(record) == make_draft(1)
    with pytest.raises(ValidationError):
        read_draft({**record, "at": "1969-12-31T23:59:59Z"})


@given(st.integers(0, 5), st.integers(0, 10_000), st.integers(1, 255))
def test_any_byte_that_is_changed_is_found(index: int, place: int, mask: int) -> None:
    items = list(CHAIN)
    body = bytearray(items[index])
    body[place % len(body)] ^= mask
    items[index] = bytes(body)

    assert walk(items)[2]


@given(st.integers(0, 4))
def test_any_record_that_is_left_out_is_found(index: int) -> None:
    """But for the last one: only what follows it, or a signature, can tell."""
    assert walk(CHAIN[:index] + CHAIN[index + 1 :])[2]


@given(st.permutations(range(6)))
def test_any_other_order_is_found(order: list[int]) -> None:
    flaws = walk([CHAIN[index] for index in order])[2]

    assert bool(flaws) == (order != sorted(order))


@given(st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_any_record_that_is_put_in_between_is_found(index: int, of: int, is_forged: bool) -> None:
    items = list(CHAIN)
    items.insert(index, forge(CHAIN[of], severity="info") if is_forged else CHAIN[of])

    assert walk(items)[2]


@given(st.lists(st.sampled_from([*CHAIN, b"{}", forge(CHAIN[2], severity="info")]), max_size=12))
def test_no_seq_is_given_twice_and_none_goes_back_whatever_comes(items: list[bytes]) -> None:
    seqs, place, _ = walk(items)

    assert seqs == sorted(set(seqs))
    assert place >= max(seqs, default=0)


@given(st.binary(max_size=400))
def test_garbage_is_put_aside_whatever_it_is(garbage: bytes) -> None:
    checked = check_page(START, [garbage], pole_id="SG-017")

    assert (checked.records, len(checked.unreadable), checked.place.seq) == ((), 1, 1)
