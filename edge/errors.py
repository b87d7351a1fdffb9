"""The failure model on one page: every error a command may end with, in the order of the tree.

What can only go wrong between a fork server and its caller is named in their own files.

EdgeError
├── ValidationError(ValueError)     bad input, with the path of the field
├── SourceError(OSError)            a camera or file gives no packets
│   ├── SourceRefused               it answers, and says no (password, sessions, path)
│   ├── SourceUnreachable           nobody answers: no route, refused port, name unknown
│   ├── SourceStalled(TimeoutError) it answered and then fell silent
│   └── SourceUnusable(ValueError)  what came is not video that can be read
├── ModelError                      a model file is missing, damaged or not the one expected
├── ClipError(OSError)              a clip or snapshot could not be written
├── EvidenceError(ValueError)       a record, chain or signature is not what it claims to be
├── StoreError(OSError)             the pole's log or data folder can't be read or written
│   ├── DiskFull                    there is no room for it
│   ├── LogDamaged                  a database does not hold what it must
│   └── TooNew                      it was written by a newer program
├── MediaError(OSError)             a picture or clip could not be taken over or read
│   └── SpoiltMedia                 it is not the one that was recorded
├── ListenError(OSError)            the API's address can't be had
├── EyeUnavailable                  an eye does not run, or gives no answer
├── EyeRefused                      an eye says no to what it was asked
├── PoleError(OSError)              a pole does not give the station what it asks for
│   ├── PoleUnreachable             no answer, or one that ends or stalls midway
│   ├── PoleRefused                 it answers, and not us: token, certificate, a redirect
│   ├── PoleWrong(ValueError)       its answer is none that a pole gives
│   └── ViewsFull                   as many live views as there may be are open
└── MeasureFailed                   one figure of the bench could not be had; the others go on
"""

from __future__ import annotations

from dataclasses import dataclass


class EdgeError(Exception):
    """Base of all operating errors and bad input; programmer errors are never one of these."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: where (`zones[2].points`), what, and what would be right."""

    path: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line for people."""
        tail = f"; {self.remedy}" if self.remedy else ""
        return f"{self.path}: {self.problem}{tail}"


class ValidationError(EdgeError, ValueError):
    """Input is wrong; carries every fault found, never only the first."""

    def __init__(self, faults: list[Fault]) -> None:
        """Keep the faults; the message is one line each."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class SourceError(EdgeError, OSError):
    """A camera or file gives no packets; the message says what to do."""


class SourceRefused(SourceError):
    """The camera answers and says no."""

    def __init__(self, message: str, *, is_login: bool = False) -> None:
        """`is_login` marks a wrong name or password, which must not be tried again soon."""
        super().__init__(message)
        self.is_login = is_login


class SourceUnreachable(SourceError):
    """Nobody answers at that address."""


class SourceStalled(SourceError, TimeoutError):
    """The source answered and then fell silent."""


class SourceUnusable(SourceError, ValueError):
    """What came is not video that can be read."""


class ModelError(EdgeError):
    """A model file is missing, damaged or not the one expected."""


class ClipError(EdgeError, OSError):
    """A clip or snapshot could not be written."""


class MeasureFailed(EdgeError):
    """One figure of the bench could not be had; the message says why."""


class EvidenceError(EdgeError, ValueError):
    """A record, its chain or a signature is not what it claims to be, or can't be made."""


class StoreError(EdgeError, OSError):
    """The pole's log can't be read or written; the message says what to do."""


class DiskFull(StoreError):
    """There is no room left to write."""


class LogDamaged(StoreError):
    """A database does not hold what it must; the disk or somebody has changed it."""


class TooNew(StoreError):
    """A file was written by a newer program, which is to be started instead."""


class MediaError(EdgeError, OSError):
    """A picture or clip could not be taken over or read; the message says why."""


class SpoiltMedia(MediaError):
    """A file that was kept is not, or no longer, the one that was recorded."""


class ListenError(EdgeError, OSError):
    """The API's address can't be listened on; the message says what to do."""


class EyeUnavailable(EdgeError):
    """An eye does not run, or gives no answer in time; the message says which and why."""


class EyeRefused(EdgeError):
    """An eye says no to what it was asked; the message is its own."""


class PoleError(EdgeError, OSError):
    """A pole does not give the station what it asks for; the message is for people."""


class PoleUnreachable(PoleError):
    """No answer, or one that ends or stalls midway."""


class PoleRefused(PoleError):
    """It answers, and not us: token, certificate, a redirect."""


class PoleWrong(PoleError, ValueError):
    """Its answer is none that a pole gives: too long, malformed, of another pole."""


class ViewsFull(PoleError):
    """As many live views as there may be are open, of this pole or in all."""
