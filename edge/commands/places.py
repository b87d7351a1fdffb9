"""Where what a pole or a station has is looked for when nobody says: in the current folder."""

from __future__ import annotations

from pathlib import Path

DATA_DEFAULT = Path("polewatch-data")
CONFIG_DEFAULT = Path("polewatch.toml")
STATION_CONFIG_DEFAULT = Path("station.toml")
