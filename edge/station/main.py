"""Composition root of the station: builds it from its configuration and runs it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock, SystemClock, make_ids
from edge.clock_trust import ClockTrust, read_boot_id
from edge.device_key import load_or_make_key
from edge.errors import EdgeError, StoreError
from edge.exits import first_error
from edge.model import Json
from edge.serving.door import Door, Listening, make_door
from edge.serving.open_metrics import Family, Figure
from edge.serving.server import serve
from edge.station.api.app import make_app
from edge.station.api.context import Part, StationContext
from edge.station.client_tls import ClientContexts
from edge.station.config import PoleSite, StationConfig
from edge.station.lookup_loop import LookupLoop
from edge.station.outward.webhooks import Outlook, Webhooks, WebhookView
from edge.station.own_alerts import OwnAlerts, Pen, read_open
from edge.station.pulling.collector import Collector, Rhythm
from edge.station.pulling.contact import Contacts
from edge.station.pulling.flaw_book import FlawBook
from edge.station.pulling.links import PoleLinks
from edge.station.pulling.live import LiveViews
from edge.station.pulling.meeting import Roster
from edge.station.pulling.one_pole import OnePole
from edge.station.pulling.pole_client import HttpPoleClient
from edge.station.pulling.silence_watch import SilenceWatch
from edge.station.pulling.slots import Slots
from edge.station.pulling.transfers import Transfers, Yard
from edge.station.pulling.words import Words
from edge.station.store.retention import Retention
from edge.station.store.station_store import StationStore
from edge.station.store.store_file import StoreSettings
from edge.supervise import Passing, run_forever

_TLS_NAME = "tls"
_THREADS = 4
"""For parts and heavy pages."""
_log = logging.getLogger("polewatch")


@dataclass(frozen=True, slots=True)
class Settings:
    """One station as asked for; `on_ready` is told the page's address once it is served."""

    config: StationConfig
    on_ready: Callable[[str], None] | None = None


def run_station(settings: Settings) -> int:
    """Run a station until it is told to stop by SIGTERM or SIGINT.

    Returns:
        Exit code 0.

    Raises:
        EdgeError: it can't be begun, or can't go on; the message says why.
    """
    try:
        with asyncio.Runner(loop_factory=LookupLoop) as runner:
            runner.run(_Station(settings).run())
    except* EdgeError as group:
        raise first_error(group) from group
    return 0


class _Station:
    """The station's parts, and what keeps them going."""

    _store: StationStore
    _key: Ed25519PrivateKey
    _own: OwnAlerts
    _contacts: Contacts
    _watch: SilenceWatch
    _webhooks: Webhooks

    def __init__(self, settings: Settings) -> None:
        self._settings, self._config = settings, settings.config
        self._clock: Clock = SystemClock()
        self._passing = Passing(self._clock)
        make_id = make_ids(self._clock)
        self._trust = ClockTrust(self._clock, boot=read_boot_id(), make_id=lambda: make_id(0))
        self._begun_ms = self._clock.utc_ms()
        self._clients: dict[str, HttpPoleClient] = {}
        self._collecting: dict[str, asyncio.Task[None]] = {}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Build everything in order and run it; it ends in reverse."""
        config = self._config
        async with AsyncExitStack() as stack:
            self._store = await stack.enter_async_context(
                StationStore(
                    Path(config.store.path),
                    StoreSettings.of(config),
                    clock=self._clock,
                    read_clock=self._trust.read,
                )
            )
            self._key = load_or_make_key(Path(config.store.path))
            await self._take_up()
            collectors = await self._make_collectors(stack)
            outlook = Outlook(self._store, self._store, config.station.id)
            self._webhooks = Webhooks(config.webhooks, outlook, passing=self._passing)
            door = self._make_door()
            links = PoleLinks(self._contacts, LiveViews(self._clients))
            app = make_app(self._make_context(links))
            (address, *_) = await stack.enter_async_context(serve(app, door))
            scheme = "http" if door.tls is None else "https"
            await self._live(f"{scheme}://{address}", collectors)

    async def _take_up(self) -> None:
        """Go on where the last process of this station ended."""
        self._own = OwnAlerts(self._store, Pen(self._clock, self._trust.read))
        sites = {pole.name: pole.site for pole in self._config.poles}
        self._contacts = Contacts(sites, self._clock)
        self._watch = SilenceWatch(self._contacts, self._own, passing=self._passing)
        unclosed = [each async for each in read_open(self._store, self._config.station.id)]
        for each in unclosed:
            self._own.take_up(each)
        self._watch.take_up(unclosed)
        await self._watch.recall(self._store)
        with suppress(StoreError):  # on a full disk too it begins; a later start tells it
            await self._own.let_go(sites.keys())

    async def _make_collectors(self, stack: AsyncExitStack) -> dict[str, Collector]:
        """Make what pulls each pole; their clients end with the stack."""
        known = {}
        for pole in self._config.poles:
            identity = await self._store.identity(pole.name)
            if identity is not None:
                known[pole.name] = identity
        roster = Roster(known)
        contexts = ClientContexts(self._config.tls)
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="pulling")
        stack.push_async_callback(asyncio.to_thread, threads.shutdown)
        yard = Yard(self._store.parts_folder, Slots(), self._own, self._passing, threads=threads)
        collectors = {}
        for pole in self._config.poles:
            client = await stack.enter_async_context(HttpPoleClient(pole, contexts))
            self._clients[pole.name] = client
            collectors[pole.name] = self._make_collector(pole, client, roster, yard)
        return collectors

    def _make_collector(
        self, pole: PoleSite, client: HttpPoleClient, roster: Roster, yard: Yard
    ) -> Collector:
        store, contact = self._store, self._contacts.of(pole.name)
        flaws = FlawBook(pole.name, self._own, contact, self._clock)
        one = OnePole(
            pole.name, pole.key, client, store, contact, self._own, flaws, self._passing,
            yard.threads,
        )  # fmt: skip
        files = Transfers(client, store, contact, yard)
        words = Words(client, store, contact, self._passing)
        rhythm = Rhythm.of(len(self._config.poles))
        return Collector(one, files, words, roster=roster, rhythm=rhythm)

    async def _live(self, address: str, collectors: dict[str, Collector]) -> None:
        """Run everything until told to stop, or until the store can't go on."""
        self._heed_signals()
        _log.info(
            "station ready: id=%s page=%s poles=%d",
            self._config.station.id, address, len(collectors),
        )  # fmt: skip
        if self._settings.on_ready is not None:
            self._settings.on_ready(address)
        async with asyncio.TaskGroup() as group:
            for name, collector in collectors.items():
                self._collecting[name] = group.create_task(collector.run(), name=f"pole {name}")
            beside = [
                self._store.watch(),
                self._webhooks.run(),
                Retention(self._store, self._own, clock=self._clock).run(),
                run_forever("silence watch", self._watch.run, self._passing),
                run_forever("clock", self._watch_clock, self._passing),
            ]
            tasks = [*self._collecting.values(), *(group.create_task(each) for each in beside)]
            await self._stop.wait()
            for task in tasks:
                task.cancel()

    async def _watch_clock(self) -> None:
        await self._trust.run(self._store.tell)

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)

    def _make_door(self) -> Door:
        api, station = self._config.api, self._config.station
        tls_folder = Path(self._config.store.path) / _TLS_NAME
        listening = Listening(api.listen, station.id, api.has_tls, tls_folder)
        return make_door(listening, self._key)

    def _make_context(self, links: PoleLinks) -> StationContext:
        config = self._config
        make_id = make_ids(self._clock)
        geojson = None if config.map is None else Path(config.map.geojson).read_bytes()
        return StationContext(
            config=config,
            desk=self._store,
            arrivals=self._store,
            links=links,
            clock=self._clock,
            read_clock=self._trust.read,
            make_id=lambda: make_id(0),
            public_key=self._key.public_key(),
            begun_ms=self._begun_ms,
            judge_parts=self._judge_parts,
            read_figures=self._read_figures,
            geojson=geojson,
        )

    def _judge_parts(self) -> Sequence[Part]:
        """Whether each collector runs and each webhook takes what it is told."""
        parts = [
            Part("collector", name, not task.done(), "it has ended; see the log" * task.done())
            for name, task in self._collecting.items()
        ]
        for view in self._webhooks.views():
            data: dict[str, Json] = {"state": view.state, "lag_s": self._lag_s(view)}
            parts.append(Part("webhook", view.name, view.state == "up", view.reason, data))
        return parts

    def _read_figures(self) -> Sequence[Family]:
        lags = [
            Figure(self._lag_s(view), {"webhook": view.name}) for view in self._webhooks.views()
        ]
        told = "How long the oldest record that it has not taken waits."
        return [Family("polewatch_webhook_lag_seconds", "gauge", told, lags)]

    def _lag_s(self, view: WebhookView) -> float:
        since_ms = view.waiting_since_ms
        return 0.0 if since_ms is None else max(self._clock.utc_ms() - since_ms, 0) / 1000
