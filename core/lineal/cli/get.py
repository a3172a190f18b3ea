"""`lineal get`: a version, a file, a range or a tensor out of the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, narrate, pass_context
from lineal.errors import ConfigError, Conflict, NotFound

if TYPE_CHECKING:
    from lineal.ledger.folding import Standing
    from lineal.registries.native.shelf import Shelf
    from lineal.store.documents import Document
    from lineal.store.files import StoredFile
    from lineal.store.manifest import Content


@click.command("get")
@click.argument("version")
@click.argument("dest", required=False)
@click.option("--file", "path", metavar="PATH", help="Only this file of the version, to DEST.")
@click.option("--tensor", metavar="NAME", help="Only this tensor, as DEST.npy, without reading the rest.")
@storing.store_option
@pass_context
def command(
    context: Context, version: str, dest: str | None, path: str | None, tensor: str | None, store: str | None
) -> None:
    """Bring a VERSION back, byte for byte, into the new folder DEST.

    Everything is verified. DEST appears only when it is complete; if this is interrupted, the same command goes on
    where it was.

    \b
    Examples:
      lineal get churn@v3                          into ./churn-v3
      lineal get churn@v3 /models/churn
      lineal get churn --file config.json
      lineal get churn --tensor encoder.weight w.npy
    """
    if path and tensor:
        raise ConfigError("say --file or --tensor, not both")
    with storing.opened(context, store) as (_, shelf):
        standing = shelf.resolve(version)
        document = shelf.document(standing)
        if tensor is not None:
            _tensor(context, shelf, document, tensor, dest)
        elif path is not None:
            _file(context, shelf, document, path, dest)
        else:
            _whole(context, shelf, standing, document, dest)


def _whole(context: Context, shelf: Shelf, standing: Standing, document: Document, dest: str | None) -> None:
    from lineal.store.restoring import restore

    name = f"{document.manifest.name.replace('/', '-')}-{standing.name}"
    target = storing.destination(context, dest, name)
    size = sum(content.size for content in document.manifest.files)
    with storing.Bar("getting", size) as bar:
        restore(shelf.store, document, target, on_bytes=bar)
    narrate(f"{len(document.manifest.files):,} files, {output.size(size)} in {target}")


def _file(context: Context, shelf: Shelf, document: Document, path: str, dest: str | None) -> None:
    from lineal.store.restoring import restore_file

    content = content_of(document, path)
    target = storing.destination(context, dest, Path(path).name)
    with storing.Bar("getting", content.size) as bar:
        restore_file(shelf.store, document, content, target, bar)
    narrate(f"{output.size(content.size)} in {target}")


def _tensor(context: Context, shelf: Shelf, document: Document, name: str, dest: str | None) -> None:
    import numpy as np

    found = tensor_file(shelf, document, name)
    target = storing.destination(context, dest, f"{name.replace('/', '-')}.npy")
    if target.exists():
        raise Conflict(f"{target} is there already", hint="name another place, or move it away")
    values = found.tensor(name)
    with target.open("xb") as stream:
        np.save(stream, values, allow_pickle=False)
    fetched = shelf.store.reader.fetched
    narrate(f"{values.dtype} {list(values.shape)} in {target}; {output.size(fetched)} read from the store")


def content_of(document: Document, path: str) -> Content:
    """Return a file of a version by its path. Raises NotFound."""
    for content in document.manifest.files:
        if content.path == path and content.blake3:
            return content
    names = ", ".join(content.path for content in document.manifest.files[:5])
    raise NotFound(f"the version has no file {path!r}", hint=f"it has: {names}")


def tensor_file(shelf: Shelf, document: Document, name: str) -> StoredFile:
    """Return the file of a version that holds a tensor. Raises NotFound."""
    for content in document.manifest.files:
        if not content.blake3:
            continue
        layout = document.layout(content.blake3)
        if any(view.name == name for view in layout.views):
            return shelf.file(document, content)
    raise NotFound(f"the version has no tensor {name!r}", hint="`lineal show VERSION --tensors` lists them")
