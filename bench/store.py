"""How small the versions of a model get, how fast they go in and come out: beside git-lfs, DVC, restic, borg and Xet.

    python -m bench store [--chains FOLDER] [--kinds fp32,pt] [--only borg,lineal] [--peers]
    python -m bench store --memory [--gigabytes N]     memory that commit and get take, bytes read for one tensor
    python -m bench store --edit                       bytes that a change of a safetensors file's metadata costs

`python -m bench chains FOLDER` makes the chains. Versions go into all stores in turn, so that a slow minute of the
machine is slow for all of them; every file that comes back is compared byte for byte. The page cache is warm for all.

The promises: ten checkpoints at default effort in .37 (fp32) and .14 (bf16) of their raw size, at most in .35 and .12;
adding within borg's wall time and getting within DVC's; a get in under 150 MB of memory whatever the file.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench import chains
from bench.chains_stores import LINEAL, Cost, Place, Tool, install_xet, lineal, tools
from bench.measure import table

KINDS = {
    "fp32": "fp32/*.safetensors",
    "bf16": "bf16/*.safetensors",
    "cast": "cast/*.safetensors",
    "pt": "fp32/*.pt",
}
SIZES = {
    ("fp32", "lineal"): 0.37,
    ("bf16", "lineal"): 0.14,
    ("cast", "lineal"): 0.14,
    ("fp32", "lineal-max"): 0.35,
    ("bf16", "lineal-max"): 0.12,
    ("cast", "lineal-max"): 0.12,
}
"""The most of the raw size that ten checkpoints may take: both kinds of bfloat16 are held to one promise."""

CHECKPOINTS = 10
GETS = 3  # the least counts: others' load can only add to it
MEMORY = 150  # MB


def main(argv: Sequence[str]) -> int:
    """Measure stores on chains, or Lineal's memory, or an edit; 1 where a promise is broken."""
    given = _arguments(argv)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.chains) as scratch:
        if given.memory:
            return _memory(Path(scratch), given.gigabytes)
        present = _present(given)
        if given.edit:
            return _edit(Path(scratch), present, given.chains / "fp32" / "01.safetensors")
        found = {kind: sorted(given.chains.glob(KINDS[kind]))[: given.versions] for kind in given.kinds}
        broken = [_chain(Path(scratch), present, kind, files) for kind, files in found.items() if files]
    return int(any(broken))


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    names = [tool.name for tool in tools()]
    parser = argparse.ArgumentParser(prog="python -m bench store", description=__doc__)
    parser.add_argument("--chains", type=lambda text: Path(text).resolve(), default=Path("chains").resolve())
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS), help=",".join(KINDS))
    parser.add_argument("--only", type=lambda text: text.split(","), default=names, help=",".join(names))
    parser.add_argument("--peers", action="store_true", help="all but Lineal")
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--edit", action="store_true")
    given = parser.parse_args(argv)
    if not given.chains.is_dir() or not set(given.kinds) <= set(KINDS) or not set(given.only) <= set(names):
        parser.error("no such folder, kind or store")
    return given


def _present(given: argparse.Namespace) -> list[Tool]:
    """Return the stores that are asked for and on this machine."""
    if "xet" in given.only:
        install_xet()
    wanted = [tool for tool in tools() if tool.name in given.only and not (given.peers and "lineal" in tool.name)]
    print("not here:", ", ".join(tool.name for tool in wanted if not tool.program) or "nothing")
    return [tool for tool in wanted if tool.program]


def _chain(scratch: Path, present: Sequence[Tool], kind: str, files: Sequence[Path]) -> bool:
    """Put a chain into every store, in turn, and get its last version back; say whether a promise is broken."""
    places = {tool.name: Place(tool, scratch / kind / tool.name, f"model{files[0].suffix}") for tool in present}
    for file, place in itertools.product(files, places.values()):
        place.add(file)
    for _, place in itertools.product(range(GETS), places.values()):
        place.get(files[-1])
    raw = sum(file.stat().st_size for file in files)
    heads = [
        f"{kind}, {len(files)} of {raw / 1e6:,.0f} MB",
        "stored/raw",
        "add s",
        "CPU s",
        "/borg",
        "get s",
        "CPU s",
        "/dvc",
    ]
    print(table(heads, [_row(place, places, raw) for place in places.values()]))
    broken = [line for place in places.values() for line in _broken(kind, place, places, raw)]
    print("\n".join(broken) or "no promise of those measured is broken", flush=True)
    shutil.rmtree(scratch / kind)
    return bool(broken)


def _row(place: Place, places: Mapping[str, Place], raw: int) -> list[str]:
    added, got = place.added, place.got
    slower = [f"{ratio:.2f}" if ratio else "" for ratio in _slower(place, places)]
    stored = f"{place.stored() / raw:.4f}"
    return [
        place.tool.name,
        stored,
        f"{added.wall:.1f}",
        f"{added.cpu:.1f}",
        slower[0],
        f"{got.wall:.2f}",
        f"{got.cpu:.2f}",
        slower[1],
    ]


def _slower(place: Place, places: Mapping[str, Place]) -> tuple[float, float]:
    """Return the wall time of adding beside borg's and of getting beside DVC's; 0 where these were not measured."""
    borg, dvc = places.get("borg"), places.get("dvc")
    return place.added.wall / borg.added.wall if borg else 0, place.got.wall / dvc.got.wall if dvc else 0


def _broken(kind: str, place: Place, places: Mapping[str, Place], raw: int) -> Iterator[str]:
    """Yield the promises that Lineal breaks: of size, for a whole chain, and at default effort of time."""
    name, (add, get) = place.tool.name, _slower(place, places)
    most = SIZES.get((kind, name)) if place.count == CHECKPOINTS else None
    if most and place.stored() > most * raw:
        yield f"BROKEN: {kind} {name} stores {place.stored() / raw:.4f} of the raw size, promised {most}"
    if name == "lineal" and add > 1:
        yield f"BROKEN: {kind} adding takes {add:.2f} times borg's wall time"
    if name == "lineal" and get > 1:
        yield f"BROKEN: {kind} getting takes {get:.2f} times DVC's wall time"


def _memory(scratch: Path, gigabytes: float) -> int:
    """Print the peak memory of a large file's commit and get, alone and after a little training, and of one tensor."""
    place = Place(lineal("default"), scratch / "lineal", "model.safetensors")
    first = _large(scratch, place, gigabytes, "first")
    tuned = _large(scratch, place, gigabytes, "tuned")
    place.drop()
    for path in place.folder.rglob("*"):
        _forget(path)
    one = place.run(f"{LINEAL} get m@v2 --tensor layers.1.weight one.npy --store store")
    rows = [*first, *tuned, ("get --tensor, of 34 MB", one)]
    print(
        table(
            [f"{gigabytes:g} GB of bf16", "peak MB", "wall s", "CPU s", "MB from disk"], [_line(*row) for row in rows]
        )
    )
    peak = max(cost.peak for name, cost in rows if name.startswith("get, ")) / 1e6
    print(f"both stored in {place.stored() / 1e9:.2f} GB; the most that a get took is {peak:.0f} MB, promised {MEMORY}")
    return int(peak > MEMORY)


def _large(scratch: Path, place: Place, gigabytes: float, name: str) -> list[tuple[str, Cost]]:
    file = scratch / f"{name}.safetensors"
    _apart(chains.large, file, gigabytes, name == "tuned")
    costs = [(f"commit, {name}", place.add(file)), (f"get, {name}", place.get(file))]
    file.unlink()
    return costs


def _line(name: str, cost: Cost) -> list[str]:
    return [name, f"{cost.peak / 1e6:.0f}", f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.read / 1e6:.1f}"]


def _apart(job: Callable[..., None], *given: object) -> None:
    """Do what needs much memory in a process of its own: the peak of a child begins with that of its parent."""
    process = multiprocessing.get_context("spawn").Process(target=job, args=given)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{job} ended with {process.exitcode}")


def _forget(path: Path) -> None:
    """Let the page cache go of a file, so that what is read of it comes from the disk and is counted."""
    if path.is_file():
        with path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _edit(scratch: Path, present: Sequence[Tool], file: Path) -> int:
    """Print the bytes that every store grows by when a line of metadata moves all tensors of a file."""
    edited = scratch / "edited.safetensors"
    chains.edit(file, edited)
    rows = []
    for place in [Place(tool, scratch / tool.name, "model.safetensors") for tool in present]:
        place.add(file)
        before = place.stored()
        place.add(edited)
        place.get(edited)
        rows.append([place.tool.name, f"{place.stored() - before:,}"])
    print(table([f"metadata of {file.stat().st_size / 1e6:.0f} MB edited", "bytes written"], rows))
    return 0
