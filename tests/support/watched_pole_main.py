"""A pole whose eyes are ill ones and whose event loop can be blocked: `… CONFIG DATA`.

SIGUSR1 blocks the loop for ever; everything else is `polewatch run`.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from pathlib import Path

from edge.agent.eyes.pole_eyes import Terms
from edge.agent.main import Settings, run_pole
from edge.config.load import load_config
from tests.support.eye_pole import ILL

COMMAND = (sys.executable, "-m", "tests.support.watched_pole_main")


def hang(_number: int, _frame: object) -> None:
    """Never come back."""
    time.sleep(3600)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    signal.signal(signal.SIGUSR1, hang)
    config, data = Path(sys.argv[1]), Path(sys.argv[2])
    settings = Settings(
        load_config(config), config, data, fork_server=ILL, terms=Terms(sweep_after_s=3)
    )
    sys.exit(run_pole(settings))
