"""`lineal audit verify|anchor|head`: whether the store's ledger is what it was, and how others can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Format
from lineal.config import StoreSpec, place
from lineal.errors import ConfigError

if TYPE_CHECKING:
    from lineal.ledger.anchors import Anchorage
    from lineal.ledger.ledger import Ledger
    from lineal.workspace import Workspace

_GIT = "git:"


@click.group("audit")
def command() -> None:
    """Look whether the ledger of a store was changed, cut short or rewritten, and write down how far it goes now.

    A client that has read a ledger remembers its last entry and finds out by itself. An anchor tells those who never
    saw it: the number and hash of the last entry, in another store's place or in a git tag.
    """


@command.command("verify")
@click.option(
    "--anchor", "anchors", multiple=True, metavar="PLACE|git:PATH", help="Compare with the anchors there; repeatable."
)
@storing.store_option
@format_option
@pass_context
def verify(context: Context, anchors: tuple[str, ...], store: str | None, form: Format) -> None:
    """Read the whole ledger and say everything that is wrong with it.

    Every entry is read and must follow the one before; what this client saw, the snapshots and the anchors must agree.
    Exits with 7 if something is not what it should be; notes, as of clocks that went back, are no damage.
    """
    with (
        storing.opened(context, store) as (work, shelf),
        _anchorages(work, anchors) as places,
        storing.Bar("reading the ledger", 0) as bar,
    ):
        found = shelf.ledger.verify(places, bar)
    if form == Format.JSON:
        output.document(found)
    else:
        rows = [["problem", one.where, one.what] for one in found.problems]
        rows += [["note", one.where, one.what] for one in found.notes]
        output.table(form, ["", "where", "what"], rows)
    said = f"{found.entries:,} entries, {found.snapshots:,} snapshots, {found.anchors:,} anchors"
    narrate(f"{said}: {f'{len(found.problems):,} problems' if found.problems else 'sound'}")
    if found.more:
        narrate(f"note: {found.more:,} more are not listed")
    if found.problems:
        narrate("hint: compare with another clone of the store before you trust this one; nothing was changed")
        click.get_current_context().exit(7)


@command.command("anchor")
@click.argument("where", metavar="PLACE|git:PATH")
@click.option("--sign", is_flag=True, help="Sign the git tag with your key, as `git tag -s` does.")
@storing.store_option
@pass_context
def anchor(context: Context, where: str, sign: bool, store: str | None) -> None:
    """Write the last entry's number and hash down in another place: a folder, s3://bucket/prefix, a remote, git:PATH.

    In a git repository that is an annotated tag `lineal/ledger/<number>` on the commit that is checked out; push it to
    where those who change the store cannot change it.
    """
    if sign and not where.startswith(_GIT):
        raise ConfigError("--sign is for git tags", hint="as in `lineal audit anchor git:. --sign`")
    with (
        storing.opened(context, store, writes=True) as (work, shelf),
        _anchorages(work, [where], sign=sign) as (there,),
    ):
        if there.url == shelf.store.backend.url:
            raise ConfigError(
                "an anchor in the store itself proves nothing: who rewrites the one rewrites the other",
                hint="name another folder or bucket, or git:PATH",
            )
        made = shelf.ledger.anchor(there)
    narrate(f"entry {made.number:,} is anchored: {made.hash}")


@command.command("head")
@storing.store_option
@format_option
@pass_context
def head(context: Context, store: str | None, form: Format) -> None:
    """Show how far the ledger goes: the number and hash of its last entry, to be compared with somebody else's."""
    with storing.opened(context, store) as (_, shelf):
        found = _head(shelf.ledger)
    if form == Format.JSON:
        output.document(found)
    else:
        output.table(form, list(found), [list(found.values())])


def _head(ledger: Ledger) -> dict[str, str | int]:
    ledger.refresh()
    last = ledger.entry(ledger.head.number) if ledger.head.number else None
    at = output.moment(last.event.at) if last else ""
    return {"store": ledger.head.store, "number": ledger.head.number, "hash": ledger.head.hash, "at": at}


@contextmanager
def _anchorages(work: Workspace, places: Sequence[str], *, sign: bool = False) -> Iterator[list[Anchorage]]:
    """Open the places that words name. Raises ConfigError."""
    from lineal.ledger.anchors import Objects
    from lineal.store.opening import open_backend

    found: list[Anchorage] = []
    with ExitStack() as opened:
        for where in places:
            if where.startswith(_GIT):
                found.append(_tags(work, where.removeprefix(_GIT), sign=sign))
                continue
            url = place(where, work.around.cwd, work.around.home)
            spec = work.config.remotes.get(where) or StoreSpec(url=url, origin="given")
            backend = open_backend(spec.url, dict(spec.options), work.around.cache_folder())
            opened.callback(backend.close)
            found.append(Objects(backend))
        yield found


def _tags(work: Workspace, path: str, *, sign: bool) -> Anchorage:
    from lineal.ledger.gittags import Tags

    around = work.around
    inside = path if path.startswith(("/", "~/")) else f"./{path}"
    return Tags(Path(place(inside, around.cwd, around.home)), around.environ, sign=sign, clock=around.clock)
