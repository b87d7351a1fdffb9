"""What holds for every test: properties are searched from the same start each time.

A run is to say something about the change, not about luck; to search elsewhere give
`--hypothesis-seed=random`.
"""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")
