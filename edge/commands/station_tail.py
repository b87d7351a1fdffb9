"""`polewatch station tail`: what arrives at a station, one JSON object a line."""

from __future__ import annotations

import argparse
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edge.commands.places import STATION_CONFIG_DEFAULT
from edge.commands.station_store import open_store
from edge.errors import Fault, ValidationError
from edge.exits import EXIT_GOOD
from edge.feeds import FEEDS, Feed
from edge.station.arrival_line import encode_line
from edge.station.load import load_station
from edge.station.store.reader import StoreReader

_PAGE = 500
_LOOK_EVERY_S = 0.2
"""A station wakes nobody in another process; a look that finds nothing costs some 20 µs."""
_NUMBER_MAX = 2**53


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=STATION_CONFIG_DEFAULT,
        help=f"the station's configuration; default {STATION_CONFIG_DEFAULT}",
    )  # fmt: skip
    parser.add_argument(
        "--after", type=int, metavar="NUMBER",
        help="what came after this `number`; default: all, with --follow only what comes from now",
    )  # fmt: skip
    parser.add_argument(
        "--feed", action="append", choices=FEEDS, default=[], metavar="FEED",
        help=f"only records of this feed, may be repeated; default: all ({', '.join(FEEDS)})",
    )  # fmt: skip
    parser.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """Print what arrives; see `add_arguments`.

    Returns:
        Exit code 0, also where it was interrupted while it followed.

    Raises:
        ValidationError: the configuration or a number is wrong, the number was never told, or
            there is no store yet.
        StoreError: the store can't be read.
    """
    if args.after is not None and not 0 <= args.after <= _NUMBER_MAX:
        remedy = "give the `number` of the last line that you have"
        raise ValidationError([Fault("--after", f"{args.after} is no number of a record", remedy)])
    folder = Path(load_station(args.config).store.path)
    feeds: Sequence[Feed] = tuple(feed for feed in FEEDS if feed in args.feed) or FEEDS
    with open_store(folder) as reader:
        place = _find_place(reader, args)
        if args.follow:
            _follow(reader, feeds, place)
        else:
            _print_up_to_now(reader, feeds, place)
    return EXIT_GOOD


def _find_place(reader: StoreReader, args: argparse.Namespace) -> int:
    """The number after which to begin.

    Raises:
        ValidationError: it was never told.
    """
    newest = reader.newest_number()
    if args.after is None:
        return newest if args.follow else 0
    place = int(args.after)
    if place > newest:
        problem = f"{place} lies beyond the newest record, {newest}"
        remedy = "the store was made anew or put back; begin again with --after 0"
        raise ValidationError([Fault("--after", problem, remedy)])
    return place


def _follow(reader: StoreReader, feeds: Sequence[Feed], place: int) -> None:
    """Print what comes until interrupted, or until nobody reads it any more."""
    listening = select.poll()
    listening.register(sys.stdout.fileno(), 0)
    with suppress(KeyboardInterrupt):
        while not listening.poll(0):
            place = _print_up_to_now(reader, feeds, place)
            time.sleep(_LOOK_EVERY_S)


def _print_up_to_now(reader: StoreReader, feeds: Sequence[Feed], place: int) -> int:
    """Print everything that is there after a place; the place then."""
    newest = reader.newest_number()
    if newest <= place:
        return place
    while page := reader.arrivals(after=place, feeds=feeds, limit=_PAGE):
        for arrival in page:
            sys.stdout.buffer.write(encode_line(arrival))
        place = page[-1].number
        sys.stdout.buffer.flush()
    return max(place, newest)
