"""Configurations in TOML to change and to check."""

from __future__ import annotations

from pathlib import Path

from edge.config.load import check_config

GOOD = """
[pole]
id = "SG-017"
timezone = "Asia/Shanghai"
position = { lat = 29.7, lon = 106.6, height_m = 9 }
gbid = "50011200001320000017"
[board]
profile = "rpi-cm4"
[[camera]]
name = "road"
main = "rtsp://10.0.0.11/main"
sub = "rtsp://10.0.0.11/sub"
ignore = [[[0, 0], [1, 0], [1, 0.1], [0, 0.1]]]
privacy = []
zones = [{ name = "kerb", points = [[0.1, 0.6], [0.5, 0.6], [0.5, 0.9], [0.1, 0.9]] }]
lines = [{ name = "gate", from = [0.2, 0.5], to = [0.8, 0.5] }]
[[camera]]
name = "yard"
main = "v4l2:/dev/video0"
[[rule]]
type = "intrusion"
name = "kerb-night"
cameras = ["road"]
zones = ["kerb"]
schedule = { days = "mon-sun", from = "22:00", to = "06:00" }
[[rule]]
type = "line"
name = "gate-in"
lines = ["gate"]
direction = "in"
schedule = [{ days = "sat,sun" }, { days = "mon-fri", from = "18:00" }]
[[rule]]
type = "loiter"
dwell_s = 30
[api]
[link]
[retention]
[[output]]
[update]
"""

CAMERA = '[pole]\nid = "a"\n[[camera]]\nname = "c"\nmain = "clip.mp4"\n'
ZONED = CAMERA + 'zones = [{ name = "kerb", points = [[0, 0], [1, 0], [1, 1]] }]\n'
RULE = ZONED + '[[rule]]\ntype = "intrusion"\nname = "r"\n'


def check(tmp_path: Path, text: str) -> tuple[list[str], list[str]]:
    path = tmp_path / "pole.toml"
    path.write_text(text, encoding="utf-8")
    faults, warnings = check_config(path)
    return [str(fault) for fault in faults], [str(warning) for warning in warnings]
