"""Poles and alerts as a port has them on a bad night: made up, the same each time.

    python -m tests.support.station_scene [POLES] [ALERTS]

serves a station with 300 poles and 500 open alerts until Ctrl-C, for work on the page.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, get_args

from edge.feeds import Severity
from edge.station.ports.links import Coming, Trouble
from tests.support.station_server import STATION, TOKENS, StationServer

SITES = ("North gate", "Berth 4", "保税仓库", "Container yard", "East road", "Mall", "Fuel depot")
_RULES = (
    ("intrusion", "fence", "person"), ("loiter", "kerb", "person"), ("line", "gate", "car"),
    ("parking", "fire-lane", "truck"), ("fire", "yard-east", None), ("crowd", "plaza", None),
    ("system", "camera_lost", None),
)  # fmt: skip
_WEIGHTS = (2, 12, 50, 36)
"""Critical alerts are few."""
_SEED = 20_261_122


def site_of(number: int) -> str | None:
    """The site of a pole; a few have none."""
    return None if number % 40 == 39 else SITES[number % len(SITES)]


def name_of(number: int) -> str:
    """What a pole is called."""
    return f"SG-{number:03d}"


def poles_of(count: int) -> dict[str, str | None]:
    """As many poles with their sites."""
    return {name_of(number): site_of(number) for number in range(1, count + 1)}


def add_scene(server: StationServer, *, poles: int, alerts: int) -> None:
    """Place the poles, let some be silent or behind, and open alerts."""
    chance = random.Random(_SEED)
    for number in range(1, poles + 1):
        _place(server, number, chance)
    for number in range(alerts):
        _open(server, number, poles, chance)
    entry = {"cause": "mains", "since": "2026-11-22T17:33:05.120Z", "back_at": None}
    silent = {"cause": "mains", "count": 3, "poles": {name_of(n): entry for n in (7, 14, 21)}}
    server.open_alert(
        STATION, age_s=95, severity="major", camera=None, where={},
        rule={"type": "station", "name": "silent"}, data={"site": SITES[0], **silent},
    )  # fmt: skip


def _place(server: StationServer, number: int, chance: random.Random) -> None:
    """Along the quays: nine rows, some poles without a position."""
    row, column = divmod(number - 1, 34)
    fields: dict[str, Any] = {
        "position": {
            "lat": 29.60 + 0.006 * row + chance.uniform(-0.0012, 0.0012),
            "lon": 106.50 + 0.003 * column + chance.uniform(-0.0008, 0.0008),
            "height_m": 8.0,
        },
        "answer_ms": round(chance.lognormvariate(3.6, 0.5), 1),
        "clock_ahead_ms": chance.randint(-90, 90),
    }
    if number % 50 == 49:
        fields["position"] = None
    if number in (7, 14, 21):
        fields |= {"state": "silent", "cause": "mains"}
    elif number % 60 == 0:
        fields |= {"state": "refused", "cause": "refused", "is_well": None, "cameras": ()}
        fields["troubles"] = (Trouble("token", "the token is refused", 1_795_368_785_120),)
    elif number % 33 == 0:
        fields |= {
            "state": "catching up", "files_waiting": 12, "bytes_waiting": 48_000_000,
            "coming": (Coming("0" * 64, "clip", 4_000_000, 1_300_000),),
        }  # fmt: skip
    elif number % 29 == 0:
        fields |= {"is_well": False, "unwell": ("camera yard: lost: nobody answers",)}
    elif number % 97 == 0:
        fields["troubles"] = (Trouble("clock", "3 years ahead", 1_795_368_785_120),)
        fields["clock_ahead_ms"] = 94_608_000_000
    server.set_pole(name_of(number), **fields)


def _open(server: StationServer, number: int, poles: int, chance: random.Random) -> None:
    severity = chance.choices(get_args(Severity), _WEIGHTS)[0]
    kind, name, label = chance.choice(_RULES)
    pole = name_of(chance.randint(1, poles))
    age_s = chance.expovariate(1 / 3600)
    late_s = chance.choice((0.4, 0.8, 1.1, 900.0)) if number % 12 == 0 else 0.6
    camera = None if kind == "system" and number % 2 else chance.choice(("road", "yard"))
    alert = server.open_alert(
        pole, age_s=age_s, late_s=late_s, severity=severity, camera=camera,
        rule={"type": kind, "name": name}, data={"label": label} if label else {},
        clock_ahead_ms=90_000_000 if number % 41 == 40 else 0,
    )  # fmt: skip
    if kind != "system":
        server.add_file(alert, "snapshot")
        if number % 3:
            server.add_file(alert, "clip", is_here=number % 9 != 1)
    if number % 5 == 4:
        server.say(alert, "alert.seen", "chen")
        server.say(alert, "alert.ack", "chen", note=None)
    if number % 10 == 4:
        server.say(alert, "alert.note", "chen", text="patrol 3 is on its way")
    if number % 4 == 0:
        server.close_alert(alert)


def main() -> None:
    """Serve one until Ctrl-C."""
    poles, alerts = (int(text) for text in (*sys.argv[1:], "300", "500")[:2])
    with (
        tempfile.TemporaryDirectory(prefix="polewatch-") as folder,
        StationServer(Path(folder), poles_of(poles)) as server,
    ):
        add_scene(server, poles=poles, alerts=alerts)
        for role, token in TOKENS.items():
            print(f"{role}: {server.url}#token={token}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
