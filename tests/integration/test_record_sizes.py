"""What opens an alert stays small, so that it gets over any link at once."""

from __future__ import annotations

from pathlib import Path

from edge import wire
from edge.agent.eyes.chronicle import Chronicle, CutOff, Pen, step
from edge.agent.eyes.eye_lines import OPENING_BYTES_MAX, parse_eye_line
from edge.agent.log.records import Records
from edge.clock import SystemClock
from edge.config.model import Pole
from edge.feeds import ClockReading
from edge.model import AlertChange, Stamp
from tests.support.drafts import KEY

OLD, NEW = "01J9Z0000000000000000000AB", "01J9Z0000000000000000000AC"
CAMERA = "c" * 32
RULE = "道" * 64
BOX = (0.1234, 0.1234, 0.1234, 0.1234)


def test_record_that_opens_an_alert_stays_below_2_kb_when_all_in_it_is_as_long_as_can_be(
    tmp_path: Path,
) -> None:
    tracks = tuple(range(10**6, 10**6 + 20))
    spare = OPENING_BYTES_MAX - len(f'["{RULE}",{{"text":""}},{list(BOX)},{list(tracks)}]'.encode())
    change = AlertChange(
        "open", 1, "intrusion", RULE, "critical", 1.0, tracks, BOX, {"text": "x" * spare}
    )
    line = parse_eye_line(wire.encode_alert(Stamp(CAMERA, 1.0, 1_790_000_000_000), change, NEW))
    assert line is not None
    pen = Pen(ClockReading("holdover", "b" * 36, 10**10), lambda: "R" * 26)
    cut_off = CutOff(OLD, {"type": "intrusion", "name": RULE}, pen.clock.mono_ms)
    _, (draft,) = step(Chronicle(CAMERA, cut_off=(cut_off,)), line, pen)
    assert draft.data["continues"] == OLD
    pole = Pole(id="P" * 64, gbid="5" * 20)
    with Records(tmp_path, pole, key=KEY, clock=SystemClock()) as records:
        (placed,) = records.append([draft])
    assert 1900 < len(placed.sealed.body) < 2000
