"""What the verbs share: the workspace that the global options name, synced where it is cheap, and common options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from msgspec import structs

from lineal.cli import CheckKeys, OpenTui, Serve
from lineal.cli.output import Format, moment
from lineal.config import Surroundings
from lineal.errors import IndexBusy, Unsupported
from lineal.opening import ANYWAY, open_anyway
from lineal.workspace import Workspace, open_workspace

Command = TypeVar("Command", bound=Callable[..., Any])


class Context:
    """The global options, and the workspace behind them."""

    def __init__(
        self,
        open_tui: OpenTui | None = None,
        open_plain: OpenTui | None = None,
        serve: Serve | None = None,
        check_keys: CheckKeys | None = None,
    ) -> None:
        self.open_tui, self.open_plain, self.serve, self.check_keys = open_tui, open_plain, serve, check_keys
        self.plain = False
        self.folder: str | None = None
        self.index = ""
        self.no_sync = False
        self.around = Surroundings.of_process()

    def open(self) -> Workspace:
        """Open the workspace as it is; as the application does, for a child of one that was opened with defaults."""
        if self.around.environ.get(ANYWAY, "0") not in ("", "0"):
            return self.open_as_application()
        return open_workspace(self.folder, index=self._named_index(), around=self.around, as_is=self.no_sync)

    def open_as_application(self) -> Workspace:
        """Open the workspace, with defaults for a configuration that cannot be read."""
        return open_anyway(self.folder, index=self._named_index(), around=self.around, as_is=self.no_sync)

    def _named_index(self) -> str:
        """Return the index that `--index` names, else LINEAL_INDEX: where a URL's password is nobody else's to see."""
        return self.index or self.around.environ.get("LINEAL_INDEX", "")

    @contextmanager
    def reading(self) -> Iterator[Workspace]:
        """Open the workspace for a verb that reads: changed local registries are synced first."""
        with self.open() as work:
            self._freshen(work)
            self._say_age(work)
            if not work.specs:
                narrate(f"note: no registry was found in or around {work.root}")
                narrate("      `lineal demo` builds an example; `lineal registry add URL|PATH` names one")
            yield work

    def _freshen(self, work: Workspace) -> None:
        if names := work.stale():
            from lineal.cli.sync import freshen

            try:
                freshen(work, names)
            except IndexBusy as e:
                narrate(f"note: {e.message}; this is what the index holds so far")

    def _say_age(self, work: Workspace) -> None:
        """Say on stderr how old the index's knowledge of remote registries is, and which could not be read."""
        for row in work.index.registries():
            if row.error:
                narrate(f"note: {row.name}: {row.error}")
            elif row.fingerprint is None and row.synced_at is not None:
                narrate(f"note: {row.name} as of {moment(row.synced_at)}; `lineal sync {row.name}` looks again")

    def open_application(self) -> int:
        """Open the terminal application and return its exit code."""
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        plain = self._plain(terminal=terminal)
        opens = self.open_plain if plain else self.open_tui
        if opens is None:
            raise Unsupported("the terminal application is not part of this command", hint="start it as `lineal`")
        if not terminal and not plain:
            raise Unsupported(
                "the terminal application needs a terminal",
                hint="in a pipe use a verb, as in `lineal ls`, or `lineal --plain`, which is lines of text",
            )
        with self.open_as_application() as work:
            return opens(work)

    def begin(self, *, fresh: bool) -> None:
        """Let the application begin without an earlier session, as `LINEAL_FRESH=1` does."""
        if fresh:
            self.around = structs.replace(self.around, environ={**self.around.environ, "LINEAL_FRESH": "1"})

    def _plain(self, *, terminal: bool) -> bool:
        """Say whether the application is opened as lines of text: asked for, or all that the terminal can do."""
        environ = self.around.environ
        asked = self.plain or environ.get("LINEAL_PLAIN", "0") not in ("", "0")
        return asked or (terminal and environ.get("TERM") == "dumb")


def narrate(text: str) -> None:
    """Say something on stderr that is not data."""
    from lineal.model.text import visible

    sys.stderr.write(visible(text) + "\n")


def format_option(command: Command) -> Command:
    """Add `--format` to a verb."""
    option = click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in Format]),
        default=Format.TABLE.value,
        show_default=True,
        help="How to write the data on stdout.",
    )
    return option(command)


def complete_version(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Complete a model, or the versions and aliases of one, from the index alone.

    The application completes in its own command line by this too, and brings the workspace that it has open.
    """
    from lineal.errors import Error
    from lineal.model.text import UNSAFE

    try:
        with (ctx.find_object(Context) or Context()).open() as work:
            found = _candidates(work, incomplete)
    except Error:
        return []
    return [name for name in found if not UNSAFE.search(name)]  # the shell would send them to the terminal as they are


def _candidates(work: Workspace, incomplete: str) -> list[str]:
    from lineal.model.reference import canonical

    model, at, start = incomplete.rpartition("@")
    if not at:
        models = work.index.models()
        names = [canonical(row.registry, row.model) for row in models]
        plain = [row.model for row in models]
        alone = [name for name in plain if plain.count(name) == 1 and canonical("", name) == name]
        return sorted(name for name in (*names, *alone) if name.startswith(incomplete))[:50]
    newest = work.version(model)
    history = work.index.history(newest.registry, newest.model)
    names = [alias.name for alias in history.aliases]
    query = f'registry:"{newest.registry}" model:"{newest.model}"'
    names += [row.name for row, _ in zip(work.versions(query), range(200), strict=False)]
    return [f"{model}@{name}" for name in dict.fromkeys(names) if name.startswith(start)][:50]


pass_context = click.make_pass_decorator(Context)
