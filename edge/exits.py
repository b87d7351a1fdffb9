"""How a command ends: what was raised becomes one line on standard error and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from edge.errors import EdgeError, ValidationError

EXIT_FAILED = 1
EXIT_WRONG_USE = 2


def run_to_exit_code(run: Callable[[], int]) -> int:
    """Run a command.

    Returns:
        Its own code; 1 the thing itself failed, 2 wrong use or wrong configuration.
    """
    try:
        return run()
    except ValidationError as exc:
        sys.stderr.write(f"polewatch: {exc}\n")
        return EXIT_WRONG_USE
    except EdgeError as exc:
        sys.stderr.write(f"polewatch: {exc}\n")
        return EXIT_FAILED
