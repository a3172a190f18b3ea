"""What is read for a part of a file: its own blocks, those they are differences from, and little else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineal.store.bases import split_blocks
from lineal.store.documents import Document
from lineal.store.store import Store
from tests import shelves


def stored(store: Store, document: Document, name: str) -> int:
    """Return the bytes of a tensor in the store, bases included."""
    (layout,) = document.layouts
    (span,) = (span for span in layout.spans if span.name == name)
    return sum(link.stored for block in split_blocks(span.blocks) for link in store.reader.chain(block))


def test_one_tensor_costs_less_than_twice_its_stored_bytes(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    weights = {f"layer.{n}": (random.standard_normal(400_000) * 0.04).astype("<f4") for n in range(12)}
    moved = {name: (values + 1e-5).astype("<f4") for name, values in weights.items()}
    with shelves.shelf(tmp_path) as shelf:
        shelves.commit(shelf, {"m.safetensors": shelves.safetensors(weights)}, tmp_path)
        made = shelves.commit(shelf, {"m.safetensors": shelves.safetensors(moved)}, tmp_path)
    with shelves.shelf(tmp_path) as shelf:
        document = shelf.document(shelf.find("m"))
        assert document.id == made.id
        file = shelf.file(document, document.manifest.files[0])
        for name in ("layer.0", "layer.5", "layer.11"):
            before = shelf.store.reader.fetched
            assert (file.tensor(name) == moved[name]).all()
            assert 0 < shelf.store.reader.fetched - before < 2 * stored(shelf.store, document, name)
