"""`lineal push|pull|fetch|clone`: versions between stores, only what the other side lacks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Format
from lineal.config import PROJECT_FILE, PlaceSection, Surroundings, place
from lineal.errors import ConfigError, Conflict

if TYPE_CHECKING:
    from lineal.registries.native.shelf import Shelf
    from lineal.store.transfer import Moved
    from lineal.workspace import Workspace

DEFAULT = "origin"


def _remote_argument(work: Workspace, remote: str | None) -> str:
    """Return the remote that is meant: the one named, else `origin`, else the only one."""
    if remote:
        return remote
    names = list(work.config.remotes)
    if DEFAULT in names or len(names) == 1:
        return DEFAULT if DEFAULT in names else names[0]
    raise ConfigError(
        "say which remote", hint=f"one of {', '.join(names)}" if names else "`lineal remote add NAME URL`"
    )


@click.command("push")
@click.argument("remote", required=False)
@click.argument("versions", nargs=-1)
@storing.store_option
@format_option
@pass_context
def push(context: Context, remote: str | None, versions: tuple[str, ...], store: str | None, form: Format) -> None:
    """Send VERSIONS (all, where none is named) to REMOTE (`origin`, or the only one): only blocks that it lacks.

    An interrupted push can be started again: what arrived is not sent twice. The remote is made where there is none.
    """
    with (
        storing.opened(context, store) as (work, shelf),
        work.remote(_remote_argument(work, remote), create=True) as to,
    ):
        _report("pushed", _carry("pushing", shelf, to, versions), form)


@click.command("pull")
@click.argument("remote", required=False)
@click.argument("versions", nargs=-1)
@storing.store_option
@format_option
@pass_context
def pull(context: Context, remote: str | None, versions: tuple[str, ...], store: str | None, form: Format) -> None:
    """Bring VERSIONS (all, where none is named) from REMOTE into the store: only blocks that it lacks."""
    with (
        storing.opened(context, store, create=True) as (work, shelf),
        work.remote(_remote_argument(work, remote)) as other,
    ):
        _report("pulled", _carry("pulling", other, shelf, versions), form)


@click.command("fetch")
@click.argument("remote", required=False)
@storing.store_option
@pass_context
def fetch(context: Context, remote: str | None, store: str | None) -> None:
    """Bring manifests and history of REMOTE without bytes: to list and compare; `lineal pull` brings the bytes."""
    from lineal.registries.native import exchange

    with (
        storing.opened(context, store, create=True) as (work, shelf),
        work.remote(_remote_argument(work, remote)) as other,
    ):
        fresh = exchange.fetch(other, shelf, exchange.everything(other, shelf))
    narrate(f"{fresh:,} new versions, without their bytes")


@click.command("clone")
@click.argument("url", metavar="URL|FOLDER")
@click.argument("folder")
@click.option("--no-bytes", is_flag=True, help="Only manifests and history.")
@click.option("--endpoint", default="", help="The server, if it is not AWS.")
@click.option("--profile", default="", help="The profile of your AWS configuration to use.")
@pass_context
def clone(context: Context, url: str, folder: str, no_bytes: bool, endpoint: str, profile: str) -> None:
    """Make the new workspace FOLDER with the versions of the store at URL, and the remote `origin`."""
    from lineal.config_file import add_remote
    from lineal.registries.native import exchange
    from lineal.workspace import open_workspace

    around = context.around
    root = Path(place(folder, around.cwd, around.home))
    if root.exists() and any(root.iterdir()):
        raise Conflict(f"{root} is not empty", hint="name a new folder")
    section = PlaceSection(url=place(url, around.cwd, around.home), endpoint=endpoint, profile=profile)
    root.mkdir(parents=True, exist_ok=True)
    add_remote(root / PROJECT_FILE, DEFAULT, section)
    inside = Surroundings(root, around.home, around.environ, around.clock)
    with open_workspace(around=inside) as work, work.remote(DEFAULT) as other, work.shelf(create=True) as shelf:
        if no_bytes:
            narrate(
                f"{exchange.fetch(other, shelf, exchange.everything(other, shelf)):,} versions, without their bytes"
            )
        else:
            _report("cloned", _carry("cloning", other, shelf, ()), Format.TABLE)
    narrate(f"next: cd {root} && lineal")


def _carry(doing: str, source: Shelf, target: Shelf, versions: tuple[str, ...]) -> Moved:
    from lineal.registries.native import exchange

    named = [source.resolve(version) for version in versions]
    planned = exchange.plan(source, target, named or exchange.everything(source, target))
    began = time.monotonic()
    with storing.Bar(doing, planned.size) as bar:
        moved = exchange.carry(source, target, planned, bar)
    if moved.sent:
        narrate(f"{output.size(int(moved.sent / max(time.monotonic() - began, 1e-3)))}/s")
    return moved


def _report(did: str, moved: Moved, form: Format) -> None:
    if form == Format.JSON:
        output.document(moved)
        return
    saved = f"; {output.size(moved.whole - moved.sent)} of {output.size(moved.whole)} did not have to be sent"
    narrate(f"{did} {moved.versions:,} versions: {output.size(moved.sent)} in {moved.packs:,} packs{saved}")
