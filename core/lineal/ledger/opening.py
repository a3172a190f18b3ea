"""A store opened for its ledger: without what reads and writes the bytes of versions, which needs much more."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from lineal.config import StoreSpec
from lineal.ledger.ledger import Ledger
from lineal.store.opening import open_backend
from lineal.store.store import Store


class Chronicle:
    """A store and its ledger, for one thread at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ledger = Ledger(store.backend, store.id, store.memory)

    def close(self) -> None:
        """Let go of everything."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def opened(spec: StoreSpec, cache: Path, *, create: bool = False) -> Store:
    """Open the store that `spec` names; with `create` make it where there is none. Raises as `Store.open`."""
    backend = open_backend(spec.url, dict(spec.options), cache)
    if create and spec.origin == "default":
        _hide(Path(spec.url).parent)
    return Store.open(backend, cache, create=create)


def _hide(folder: Path) -> None:
    """Make the project's own folder, which git does not look into."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
