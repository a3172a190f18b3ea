"""The command line: one file for each verb, loaded when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lineal import __version__

if TYPE_CHECKING:
    from lineal.workspace import Workspace

OpenTui = Callable[["Workspace"], int]


class Serving(NamedTuple):
    """How the application is served to browsers."""

    host: str
    port: int  # 0: any that is free
    write: bool  # pages may change things


Serve = Callable[["Workspace", Serving], int]
CheckKeys = Callable[[Mapping[str, tuple[str, ...]]], list[str]]


def main(
    argv: Sequence[str] | None = None,
    open_tui: OpenTui | None = None,
    open_plain: OpenTui | None = None,
    serve: Serve | None = None,
    check_keys: CheckKeys | None = None,
) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the words after the program's name; by default the process's own.
        open_tui: opens the terminal application on a workspace and returns its exit code.
        open_plain: opens it as lines of text.
        serve: serves it to browsers until it is told to end.
        check_keys: says what is wrong with the keys that a person chose for it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        sys.stdout.write(f"lineal {__version__}\n")  # before anything is imported
        return 0
    from lineal.cli.errors import guarded
    from lineal.cli.root import run

    return guarded(lambda: run(words, open_tui, open_plain, serve, check_keys))
