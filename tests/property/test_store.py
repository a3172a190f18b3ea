"""A store against a dictionary: whatever is done in whatever order, every version that counts comes back as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from lineal.registries.native import exchange, upkeep
from lineal.registries.native.shelf import Said, Shelf
from lineal.store.effort import Effort
from lineal.store.manifest import Parent
from tests import shelves

DAY = 24 * 3600.0


class StoreMachine(RuleBasedStateMachine):
    """Two stores, each with the versions that must be in it."""

    versions = Bundle("versions")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lineal-machine-"))
        self.expected: dict[str, dict[str, dict[str, bytes]]] = {"one": {}, "two": {}}
        self.count = 0
        self.bytes: dict[str, dict[str, bytes]] = {}

    def open(self, name: str) -> Shelf:
        return shelves.shelf(self.folder, name, clock=shelves.NOW + 3000 * DAY)

    def fresh(self) -> Path:
        self.count += 1
        return self.folder / f"out-{self.count}"

    @rule(
        target=versions,
        name=some.sampled_from(["m", "n"]),
        seed=some.integers(0, 3),
        step=some.integers(0, 3),
        dtype=some.sampled_from(["<f4", "<u2", "|u1"]),
        plain=some.binary(max_size=200),
        parent=some.booleans(),
        effort=some.sampled_from(list(Effort)),
    )
    def commit(
        self, name: str, seed: int, step: int, dtype: str, plain: bytes, parent: bool, effort: Effort
    ) -> tuple[str, str]:
        random = np.random.default_rng(seed)
        values = (random.standard_normal(9000) * 0.04).astype("<f4")
        moved = (values + step * 1e-5).astype("<f4").view("<u4")
        tensor = moved.view(dtype) if dtype != "<f4" else moved.view("<f4")
        files = {"model.safetensors": shelves.safetensors({"w": tensor}), "sub/notes.txt": plain}
        with self.open("one") as shelf:
            known = list(shelf.state().models.get(name, {}).values())
            parents = (Parent(kind="finetuned", id=known[-1].id),) if parent and known else ()
            work = self.fresh()
            (work / "sub").mkdir(parents=True)
            (work / "model.safetensors").write_bytes(files["model.safetensors"])
            (work / "sub" / "notes.txt").write_bytes(plain)
            from lineal.registries.native import trees

            made = shelf.commit(trees.read([work]), Said(parents=parents), kind="model", name=name, effort=effort)
        self.bytes[made.id] = files
        self.expected["one"][made.id] = files
        return name, made.id

    @rule(version=consumes(versions))
    def retire_and_clean_up(self, version: tuple[str, str]) -> None:
        name, identity = version
        with self.open("one") as shelf:
            shelf.retire(shelf.state().version(name, identity), "")
            upkeep.collect(shelf, upkeep.plan(shelf, grace=0.0))
        self.expected["one"].pop(identity, None)

    @rule()
    def clean_up(self) -> None:
        with self.open("one") as shelf:
            upkeep.collect(shelf, upkeep.plan(shelf, grace=0.0))

    @rule(effort=some.sampled_from([Effort.DEFAULT, Effort.MAX]))
    def repack(self, effort: Effort) -> None:
        with self.open("one") as shelf:
            upkeep.repack(shelf, effort)

    @rule()
    def push(self) -> None:
        self.carry("one", "two")

    @rule(target=versions)
    def pull(self) -> object:
        self.carry("two", "one")
        with self.open("one") as shelf:
            there = shelf.state().models
        return multiple(*((name, one) for name in there for one in there[name] if one in self.expected["one"]))

    def carry(self, source: str, target: str) -> None:
        with self.open(source) as here, self.open(target) as there:
            planned = exchange.plan(here, there, exchange.everything(here, there))
            exchange.carry(here, there, planned)
            retired = {one.id for versions in there.state().models.values() for one in versions.values() if one.retired}
            self.expected[target].update(
                {one.id: self.bytes[one.id] for one in planned.versions if one.id not in retired}
            )
            for identity in retired:
                self.expected[target].pop(identity, None)

    @rule()
    def die_in_the_middle(self) -> None:
        """Leave what a killed writer leaves: temporary files, a pack nobody names, a lease, a lost catalog."""
        store = self.folder / "one"
        (store / "tmp").mkdir(parents=True, exist_ok=True)
        (store / "tmp" / "left.tmp").write_bytes(b"half a pack")
        shutil.rmtree(self.folder / "home", ignore_errors=True)

    @invariant()
    def every_version_is_what_was_committed(self) -> None:
        for name, expected in self.expected.items():
            with self.open(name) as shelf:
                for identity, files in expected.items():
                    assert shelves.files_of(shelf, identity, self.fresh()) == files

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            for name in ("one", "two"):
                with self.open(name) as shelf:
                    from lineal.store import care

                    assert care.verify(shelf.store, upkeep.live(shelf), full=True).faults == ()
            shutil.rmtree(self.folder, ignore_errors=True)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(
    max_examples=int(os.environ.get("LINEAL_EXAMPLES", "25")), stateful_step_count=15, deadline=None
)
