"""The console script `lineal`: the command line, with the terminal application behind it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineal import cli

if TYPE_CHECKING:
    from lineal.workspace import Workspace
    from lineal_tui.office import Office

VERBS = (sys.executable, "-m", "lineal")
SYNC = (*VERBS, "sync", "--events", "jsonl")
"""Fills an index and writes its events as JSON lines. Which index, the environment says: its URL may hold a password,
and every user of a machine sees command lines."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lineal`; Textual is imported only when the application opens."""
    return cli.main(argv, open_tui=open_tui)


def open_tui(work: Workspace) -> int:
    """Open the terminal application on a workspace; return its exit code."""
    hurry()
    from lineal_tui.app import LinealApp

    app = LinealApp(
        work,
        desk=lambda: desk(work),
        workspace=work.root.name or str(work.root),
        cwd=str(work.around.cwd),
        environ=work.around.environ,
        clock=work.around.clock,
        sync=SYNC,
        verbs=VERBS,
        child={"LINEAL_INDEX": work.index_url},
    )
    app.run()
    return app.return_code or 0


def desk(work: Workspace) -> Office:
    """Open what changes a workspace. Raises ConfigError."""
    from lineal_tui.office import office

    return office(work)


def hurry() -> None:
    """Put off the collection of garbage until the first paint: start-up makes next to none, and it costs a tenth."""
    gc.disable()


if __name__ == "__main__":
    sys.exit(main())
