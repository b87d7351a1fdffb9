"""How a command ends: what was raised becomes one line on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from edge.errors import EdgeError, ValidationError

EXIT_GOOD = 0
EXIT_FAILED = 1
EXIT_WRONG_USE = 2
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
STDERR = 2


def run_to_exit_code(run: Callable[[], int]) -> int:
    """Run a command.

    Returns:
        Its own code; 1 the thing itself failed, 2 wrong use or wrong configuration.
    """
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()  # the reader has seen enough, as with `| head`
        return 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except ValidationError as exc:
        sys.stderr.write(f"polewatch: {exc}\n")
        return EXIT_WRONG_USE
    except EdgeError as exc:
        sys.stderr.write(f"polewatch: {exc}\n")
        return EXIT_FAILED
    except OSError as exc:
        sys.stderr.write(f"polewatch: {exc.filename or 'standard output'}: {exc.strerror}\n")
        _discard_output()
        return EXIT_FAILED
    return code


def fill_standard_descriptors() -> None:
    """Open /dev/null where standard input, output or error is closed.

    Else the next file opened would take its number, and lines would be written into that file.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(STDERR, "w", closefd=False)


def first_error(group: BaseExceptionGroup[EdgeError]) -> EdgeError:
    """The first of several errors that ended a program together."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    assert isinstance(inner, EdgeError)
    return inner


def _discard_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
