"""What holds for every test: a run says something about the change, not about luck.

Properties are searched from the same start each time; to search elsewhere give
`--hypothesis-seed=random`. Ctrl-C ends what tests start, also where the run itself was begun with
it ignored, as a script's shell does with what it puts behind it.
"""

from __future__ import annotations

import signal

import hypothesis

signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")
