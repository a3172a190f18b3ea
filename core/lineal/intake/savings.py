"""What the store would keep of versions that lie elsewhere: measured by storing them, in a store that is thrown away.

First a sample, two versions of each model and no more than so many bytes; then everything, where that is asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import structs

from lineal.config import StoreSpec, Surroundings
from lineal.errors import Error
from lineal.intake.importing import bring
from lineal.model.listing import VersionRow
from lineal.registries.native import upkeep
from lineal.registries.native.shelf import Shelf
from lineal.store.care import Saved
from lineal.store.effort import Effort
from lineal.workspace import Workspace

SAMPLE = 2  # versions of a model: the first stands alone, the next is a difference
SAMPLE_BYTES = 2 << 30  # of all models together


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """What one model takes now and would take, in bytes, each step with those before it.

    `files` counts equal files once, `tensors` equal tensors and blocks, `stored` what coding and differences leave.
    `versions` is how many there are; `measured` how many of them were looked at: the rest is reckoned from these.
    """

    model: str
    versions: int
    measured: int
    now: int
    files: int
    tensors: int
    stored: int
    unreadable: int = 0


def measure(
    work: Workspace,
    rows: Iterable[VersionRow],
    *,
    exact: bool,
    effort: Effort = Effort.DEFAULT,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Iterator[Saving]:
    """Yield what each model of `rows` would take, in the order of their names.

    Everything is read and nothing changed; the store that it is measured by lies in a temporary folder.
    """
    by_model: dict[tuple[str, str], list[VersionRow]] = {}
    for row in rows:
        by_model.setdefault((row.registry, row.model), []).append(row)
    left = SAMPLE_BYTES
    for name, versions in sorted(by_model.items()):
        versions.sort(key=lambda row: (row.created_at or 0.0, row.number or 0))
        chosen = versions if exact else versions[-SAMPLE:]
        if not exact and left <= 0:
            return
        found = _measured(work, f"{name[0]}:{name[1]}", versions, chosen, effort, on_bytes)
        left -= found.now
        yield found


def _measured(
    work: Workspace,
    model: str,
    versions: list[VersionRow],
    chosen: list[VersionRow],
    effort: Effort,
    on_bytes: Callable[[int], None],
) -> Saving:
    with tempfile.TemporaryDirectory(prefix="lineal-savings-") as folder:
        around = Surroundings(work.around.cwd, Path(folder), {"LINEAL_AUTHOR": "savings"}, work.around.clock)
        with Shelf.open(StoreSpec(url=f"{folder}/store", origin="given"), around, create=True) as shelf:
            steps, unreadable = [], 0
            for row in chosen:
                try:
                    bring(work, shelf, row, name="measured", effort=effort, on_bytes=on_bytes)
                except Error:
                    unreadable += 1
                    continue
                steps.append(_totals(shelf))
    return _reckoned(model, len(versions) - unreadable, steps, unreadable)


def _totals(shelf: Shelf) -> tuple[Saved, int]:
    """Return what is stored so far, and the bytes of its files with equal ones counted once."""
    (saved,) = upkeep.statistics(shelf)
    sizes: dict[str, int] = {}
    for version in upkeep.live(shelf):
        sizes.update({one.blake3: one.size for one in shelf.store.document(version).manifest.files})
    return saved, sum(sizes.values())


def _reckoned(model: str, versions: int, steps: list[tuple[Saved, int]], unreadable: int) -> Saving:
    """Add what was not measured: each more version like the last step."""
    if not steps:
        return Saving(
            model=model, versions=versions, measured=0, now=0, files=0, tensors=0, stored=0, unreadable=unreadable
        )
    rest = versions - len(steps)
    last = [saved for saved, _ in steps[-2:]]
    grown = [
        (getattr(last[-1], name) - (getattr(last[0], name) if len(last) > 1 else 0)) * rest
        for name in ("whole", "unique", "stored")
    ]
    files = steps[-1][1] + (steps[-1][1] - (steps[-2][1] if len(steps) > 1 else 0)) * rest
    end = structs.replace(
        last[-1],
        whole=last[-1].whole + grown[0],
        unique=last[-1].unique + grown[1],
        stored=last[-1].stored + grown[2],
    )
    return Saving(
        model=model,
        versions=versions,
        measured=len(steps),
        now=end.whole,
        files=files,
        tensors=end.unique,
        stored=end.stored,
        unreadable=unreadable,
    )
