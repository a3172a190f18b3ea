"""The console script `lineal`: the command line, with the terminal application behind it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineal import cli

if TYPE_CHECKING:
    from lineal.workspace import Workspace
    from lineal_tui.keeping import Keeper
    from lineal_tui.office import Office

VERBS = (sys.executable, "-P", "-m", "lineal")
"""The command line; `-P`: what lies in the working folder is no part of the program."""
SYNC = (*VERBS, "sync", "--events", "jsonl")
"""Fills an index and writes its events as JSON lines. Which index, the environment says: its URL may hold a password,
and every user of a machine sees command lines."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lineal`; Textual is imported only when the application opens."""
    after: list[str] = []
    code = cli.main(
        argv,
        open_tui=lambda work: open_tui(work, after=after),
        open_plain=open_plain,
        serve=serve,
        check_keys=check_keys,
    )
    if after:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "lineal_tui.main", "-C", after[0]])
    return code


def open_tui(work: Workspace, *, alone: bool = False, after: list[str] | None = None) -> int:
    """Open the terminal application on a workspace; return its exit code. `alone`: without a session that is kept."""
    hurry()
    few_questions(work.around.environ)
    misled = _own_keys(work)
    from lineal_tui.app import LinealApp

    keeper = None if alone else _keeper(work)
    app = LinealApp(
        work,
        desk=lambda: desk(work),
        workspace=work.root.name or str(work.root),
        cwd=str(work.around.cwd),
        environ=work.around.environ,
        clock=work.around.clock,
        sync=SYNC,
        verbs=VERBS,
        child=_child(work),
        theme=work.config.theme,
        ascii=work.config.ascii,
        wrong=work.config.wrong,
        misled=misled,
        keeper=keeper,
    )
    app.run()
    if keeper and keeper.trouble:
        sys.stderr.write(f"lineal: {keeper.trouble}\n")
    if app.error is not None:
        raise app.error  # the terminal is as it was; the command line writes the report
    if keeper and keeper.next and after is not None:
        after.append(keeper.next)
    return app.return_code or 0


def _own_keys(work: Workspace) -> list[str]:
    """Put a person's own keys into the table; return what is wrong with some."""
    return check_keys(work.config.keys) if work.config.keys else []


def check_keys(wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """Put these keys into the table, and return what is wrong with the others."""
    from lineal_tui import keymap

    return keymap.use(wanted)


def _keeper(work: Workspace) -> Keeper:
    """Return what keeps the session of a workspace; `LINEAL_FRESH=1` begins without an earlier one."""
    from lineal_tui.keeping import Keeper, file_of
    from lineal_tui.workspaces import Workspaces

    fresh = work.around.environ.get("LINEAL_FRESH", "0") not in ("", "0")
    keeper = Keeper(file_of(work.around.state_folder(), work.root, work.index_url), fresh=fresh)
    around = work.around
    file = around.state_folder() / "workspaces.json"
    keeper.workspaces = Workspaces(file, work.root, around.home, around.clock())
    return keeper


def _child(work: Workspace) -> dict[str, str]:
    """Return what the environment of children holds beside that of this process."""
    from lineal.opening import ANYWAY

    return {"LINEAL_INDEX": work.index_url, **({ANYWAY: "1"} if work.config.wrong else {})}


def open_plain(work: Workspace) -> int:
    """Open the application as lines of text on a workspace; return its exit code."""
    misled = _own_keys(work)
    from lineal_tui.plain.conversation import Conversation
    from lineal_tui.plain.voice import Voice

    return Conversation(
        work,
        Voice(sys.stdin, sys.stdout),
        desk=lambda: desk(work),
        workspace=work.root.name or str(work.root),
        cwd=str(work.around.cwd),
        environ={**work.around.environ, **_child(work)},
        clock=work.around.clock,
        sync=SYNC,
        verbs=VERBS,
        wrong=work.config.wrong,
        misled=misled,
    ).run()


def serve(work: Workspace, serving: cli.Serving) -> int:
    """Serve the application on a workspace to browsers; return the exit code."""
    from lineal_tui.serve.serving import serve

    return serve(work, serving)


def desk(work: Workspace) -> Office:
    """Open what changes a workspace. Raises ConfigError."""
    from lineal_tui.office import office

    return office(work)


def few_questions(environ: Mapping[str, str]) -> None:
    """Keep Textual from asking terminals that print the question about the keyboard's protocol; before its import."""
    if environ.get("TERM") in ("linux", "vt100", "vt102", "vt220", "ansi"):
        os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")


def hurry() -> None:
    """Put off the collection of garbage until the first paint: start-up makes next to none, and it costs a tenth."""
    gc.disable()


if __name__ == "__main__":
    sys.exit(main())
