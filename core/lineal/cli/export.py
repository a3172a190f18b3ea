"""`lineal export`: a version as a plain folder that needs no Lineal to be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, narrate, pass_context

if TYPE_CHECKING:
    from lineal.store.documents import Document

SUMS = "SHA256SUMS"


@click.command("export")
@click.argument("version")
@click.argument("dest")
@storing.store_option
@pass_context
def command(context: Context, version: str, dest: str, store: str | None) -> None:
    """Write a VERSION to the new folder DEST, with SHA256SUMS beside its files: `sha256sum -c SHA256SUMS` checks it."""
    from lineal.errors import Conflict
    from lineal.store.restoring import restore

    with storing.opened(context, store) as (_, shelf):
        document = shelf.document(shelf.resolve(version))
        if any(content.path == SUMS for content in document.manifest.files):
            raise Conflict(f"the version has a file {SUMS} of its own", hint="`lineal get` brings it as it is")
        target = storing.destination(context, dest, dest)
        size = sum(content.size for content in document.manifest.files)
        with storing.Bar("exporting", size) as bar:
            restore(shelf.store, document, target, on_bytes=bar)
        (target / SUMS).write_text(sums(document))
    narrate(f"{output.size(size)} in {target}; check it with: cd {target} && sha256sum -c {SUMS}")


def sums(document: Document) -> str:
    """Return the lines of `sha256sum` for a version's files; odd names are written as coreutils writes them."""
    lines = []
    for content in document.manifest.files:
        if content.sha256:
            name = content.path.replace("\\", "\\\\").replace("\n", "\\n")
            mark = "\\" if name != content.path else ""
            lines.append(f"{mark}{content.sha256}  {name}\n")
    return "".join(lines)
