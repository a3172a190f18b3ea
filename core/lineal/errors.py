"""Every error that Lineal raises on purpose.

    Error(message, *, hint="")
    ├ ConfigError                      2
    ├ NotFound                         4
    ├ Conflict                         5
    ├ MissingExtra                     2
    ├ Blocked                          3   (an action that policy or read-only mode refuses; carries the checks)
    ├ IndexUnavailable                 8   (disk full, damaged, or another process holds it)
    │ └ IndexBusy                      8
    ├ QueryError                       2   (carries the place of the word that is wrong)
    ├ StoreError                       7
    │ ├ Corrupt                        7   (bytes that are not what their name promises)
    │ └ OutOfSpace                     8   (disk full, or a disk that fails)
    └ RegistryError                    6
      ├ Unavailable                    6
      ├ AuthRequired                   6
      ├ BadFormat                      7
      └ Unsupported                    2

The number is the exit code of the command line. What is not an `Error` is a bug, and crashes visibly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineal.model.plan import CheckResult


class Error(Exception):
    """Something went wrong that a person can understand and mend: one sentence, and a hint what to do."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(Error):
    """A configuration file, option or command line that cannot be used."""


class NotFound(Error):
    """A model, version, registry or metric that is not there."""

    exit_code = 4


class Conflict(Error):
    """Two answers where one was asked for, or a state that has moved on."""

    exit_code = 5


class MissingExtra(Error):
    """A package is missing that an optional part needs."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f"{package} is not installed", hint=f"pip install 'lineal[{extra}]'")


class Blocked(Error):
    """An action that the policy, or read-only mode, does not let through; `checks` are those that stand in its way."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "", checks: Sequence[CheckResult] = ()) -> None:
        super().__init__(message, hint=hint)
        self.checks = tuple(checks)


class IndexUnavailable(Error):
    """The index cannot be used now: no room on the disk, or another process holds it."""

    exit_code = 8


class IndexBusy(IndexUnavailable):
    """Another sync is writing the index; what it held before can be read all the same."""


class QueryError(Error):
    """A filter that does not parse; `start` and `end` are the character offsets of the word that is wrong."""

    def __init__(self, message: str, start: int, end: int, *, hint: str = "", query: str = "") -> None:
        super().__init__(message, hint=hint)
        self.start = start
        self.end = end
        self.query = query  # the whole filter, where it is known


class StoreError(Error):
    """The native store cannot do what was asked."""

    exit_code = 7


class Corrupt(StoreError):
    """Stored bytes are not what their name promises; nothing of them was handed out."""


class OutOfSpace(StoreError):
    """There is no room to write, or the disk failed; what was stored before is as it was."""

    exit_code = 8


class RegistryError(Error):
    """A registry could not be read."""

    exit_code = 6


class Unavailable(RegistryError):
    """A registry, or a file in it, cannot be reached now; trying later may help."""


class AuthRequired(RegistryError):
    """A registry refused the credentials, or wants some."""


class BadFormat(RegistryError):
    """Bytes that are not what their place or name promises."""

    exit_code = 7


class Unsupported(RegistryError):
    """A registry of a version or kind that Lineal does not read."""

    exit_code = 2
