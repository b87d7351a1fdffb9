"""`polewatch station …`: what there is to do at a station; each in a file of its own."""

from __future__ import annotations

COMMANDS = {
    "run": ("edge.commands.station_run", "pull every pole and serve the duty desk"),
    "user": ("edge.commands.station_user", "make a token for somebody at the desk"),
    "verify": ("edge.commands.station_verify", "check all that a station keeps"),
    "stats": ("edge.commands.station_stats", "count alerts, and how soon they were answered"),
    "tail": ("edge.commands.station_tail", "print what arrives, as JSON lines"),
}
