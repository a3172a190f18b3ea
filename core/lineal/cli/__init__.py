"""The command line: one file for each verb, loaded when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lineal import __version__

if TYPE_CHECKING:
    from lineal.workspace import Workspace

OpenTui = Callable[["Workspace"], int]


def main(argv: Sequence[str] | None = None, open_tui: OpenTui | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the words after the program's name; by default the process's own.
        open_tui: opens the terminal application on a workspace and returns its exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        sys.stdout.write(f"lineal {__version__}\n")  # before anything is imported
        return 0
    from lineal.cli.errors import guarded
    from lineal.cli.root import run

    return guarded(lambda: run(words, open_tui))
