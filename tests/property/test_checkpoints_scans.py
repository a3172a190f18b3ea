"""Whatever happens to a folder, an incremental scan leaves what a first one would, and identity follows content."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.config import RegistrySpec, Surroundings
from lineal.model.version import Version
from lineal.registries import connect
from lineal.testing import Fold
from tests.sources import checkpoints

RUNS = ("a", "b", "a/inner", "checkpoints")
STEPS = (2, 4, 6)
OPERATIONS = (
    "checkpoint",
    "overwrite",
    "touch",
    "delete",
    "final",
    "settings",
    "loose",
    "config",
    "damage",
    "rename",
    "forget",
)
Step = tuple[str, str, int, int]
STEPS_OF_WORK = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(RUNS), st.sampled_from(STEPS), st.integers(0, 3)),
    max_size=12,
)


class Work:
    """Does things to a folder as training and people do, one tick of the file system's clock after another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.time = 1_000_000_000

    def do(self, step: Step) -> None:
        what, run, number, content = step
        folder = self.root / run
        at = folder / f"checkpoint-{number}"
        weights = at / "model.safetensors"
        match what:
            case "checkpoint" | "overwrite":
                self.written(checkpoints.safetensors(weights, {"w": bytes([content]) * 100_000}))
            case "final":
                self.written(checkpoints.safetensors(folder / "model.safetensors", {"w": bytes([content]) * 10}))
            case "touch" if weights.exists():
                self.written(weights)
            case "delete" if at.exists():
                shutil.rmtree(at)
            case "damage" if weights.exists():
                weights.write_bytes(b"damaged")
                self.written(weights)
            case "loose":
                path = folder / f"net-step={number}.safetensors"
                self.written(checkpoints.safetensors(path, {"w": bytes([content]) * 10}))
            case "config":
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "config.json").write_text(f'{{"hidden_size": {content}}}')
                self.written(folder / "config.json")
            case "settings":
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "hparams.yaml").write_text(f"lr: {content}\n")
                self.written(folder / "hparams.yaml")
            case "rename" if at.exists() and not (folder / "checkpoint-8").exists():
                at.rename(folder / "checkpoint-8")
            case "forget" if folder.exists():
                shutil.rmtree(folder)

    def written(self, path: Path) -> None:
        self.time += 1
        os.utime(path, (self.time, self.time))


def keys(versions: Iterable[Version]) -> set[str]:
    return {version.key for version in versions}


@settings(max_examples=100, deadline=None)
@given(STEPS_OF_WORK)
def test_an_incremental_scan_leaves_what_a_first_one_would(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        around = Surroundings(Path(folder), Path(folder), {}, lambda: 0.0)
        registry = connect(RegistrySpec(name="files", kind="checkpoints", url=folder), around)
        fold, work = Fold().apply(registry.scan({})), Work(Path(folder))
        for step in steps:
            work.do(step)
            fold.apply(registry.scan(fold.cursors))
            assert fold.rows() == Fold().apply(registry.scan({})).rows()


@settings(max_examples=40, deadline=None)
@given(STEPS_OF_WORK, st.sampled_from(RUNS), st.sampled_from(STEPS))
def test_identity_follows_path_and_content_and_nothing_else(steps: list[Step], run: str, number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        around = Surroundings(Path(folder), Path(folder), {}, lambda: 0.0)
        registry = connect(RegistrySpec(name="files", kind="checkpoints", url=folder), around)
        work = Work(Path(folder))
        for step in [*steps, ("checkpoint", run, number, 1)]:
            work.do(step)
        before = keys(Fold().apply(registry.scan({})).of(Version))
        for unchanged in (("touch", run, number, 0), ("checkpoint", run, number, 1), ("settings", run, number, 2)):
            work.do(unchanged)
            assert keys(Fold().apply(registry.scan({})).of(Version)) == before
        work.do(("overwrite", run, number, 2))
        after = keys(Fold().apply(registry.scan({})).of(Version))
        assert len(before - after) == 1
        assert len(after - before) == 1
