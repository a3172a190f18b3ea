"""What is broken in an `mlruns/` folder is a Problem; the rest is read, and nothing is taken for gone."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import RegistryError, Unavailable
from lineal.model.records import Problem, Record
from lineal.model.version import Place, Version
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.registries.mlflow import reading
from lineal.testing import Fold, snapshot
from tests.sources.mlflow import lay_out, register

A, B = "a" * 32, "b" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store of two runs, one of them registered."""
    root = tmp_path / "mlruns"
    lay_out(root, A)
    lay_out(root, B)
    register(root, "churn", 1, B)
    return root


@pytest.fixture
def registry(root: Path, around: Surroundings) -> Iterator[Registry]:
    """The store, connected."""
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=str(root)), around)
    yield registry
    registry.close()


def versions(records: Sequence[Record]) -> dict[str, Version]:
    """Return the versions by key."""
    return {record.key: record for record in records if isinstance(record, Version)}


def problems(records: list[Record]) -> list[Problem]:
    """Return what could not be read."""
    return [record for record in records if isinstance(record, Problem)]


def test_a_store_that_was_moved_still_finds_its_artifacts(root: Path, registry: Registry) -> None:
    """The absolute paths in it are those of another machine."""
    found = versions(list(registry.scan({})))
    assert found.keys() == {A, "1"}
    (file,) = found[A].files
    assert (file.path, file.place) == ("model/MLmodel", Place.LOCAL)
    assert [file.path for file in found["1"].files] == ["MLmodel"]


def no_meta(run: Path) -> None:
    """Remove meta.yaml: the run was half written."""
    (run / "meta.yaml").unlink()


def empty_meta(run: Path) -> None:
    """Leave meta.yaml empty: the disk was full."""
    (run / "meta.yaml").write_bytes(b"")


def cut_meta(run: Path) -> None:
    """Cut meta.yaml in the middle of a quoted text."""
    (run / "meta.yaml").write_text("run_name: 'unfinis")


def binary_meta(run: Path) -> None:
    """Put bytes where text should be."""
    (run / "meta.yaml").write_bytes(bytes(range(256)))


def huge_meta(run: Path) -> None:
    """Make meta.yaml longer than is read."""
    (run / "meta.yaml").write_bytes(b"a: " + b"x" * (reading.META_LIMIT + 10))


def bomb_meta(run: Path) -> None:
    """Let aliases expand to more than memory holds."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (run / "meta.yaml").write_text("\n".join(lines))


def bad_metric(run: Path) -> None:
    """Overwrite a metric's points."""
    (run / "metrics" / "acc").write_text("what is this\n")


def linked_meta(run: Path) -> None:
    """Let meta.yaml lead out of the store."""
    (run / "meta.yaml").unlink()
    (run / "meta.yaml").symlink_to("/etc/passwd")


def fifo_meta(run: Path) -> None:
    """Put a pipe there, on which a careless reader would wait for ever."""
    (run / "meta.yaml").unlink()
    os.mkfifo(run / "meta.yaml")


BREAKS = (no_meta, empty_meta, cut_meta, binary_meta, huge_meta, bomb_meta, bad_metric, linked_meta, fifo_meta)


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda break_it: break_it.__name__)
def test_a_broken_run_is_a_problem_and_the_others_stay(
    root: Path, registry: Registry, break_it: Callable[[Path], None]
) -> None:
    """Also after it was read once: unreadable is not deleted; and once mended it is read again."""
    fold = Fold().apply(registry.scan({}))
    whole = fold.rows()
    keep = root.parent / "keep"
    shutil.copytree(root / "1" / A, keep)
    break_it(root / "1" / A)
    records = list(registry.scan(fold.cursors))
    assert [problem.where for problem in problems(records)] == [f"1/{A}"]
    assert versions(fold.apply(records).of(Version)).keys() == {A, "1"}
    assert versions(list(registry.scan({}))).keys() == {"1"}
    shutil.rmtree(root / "1" / A)
    keep.rename(root / "1" / A)
    assert fold.apply(registry.scan(fold.cursors)).rows() == whole


def test_a_line_that_is_half_written_is_left_out(root: Path, registry: Registry) -> None:
    """A run that goes on while it is read."""
    with (root / "1" / A / "metrics" / "acc").open("a") as file:
        file.write("1002 0.8 2\n1003")
    version = versions(list(registry.scan({})))[A]
    assert [(metric.name, metric.value, metric.step) for metric in version.metrics] == [("acc", 0.8, 2)]
    assert registry.series(version, "acc").values == [0.5, 0.75, 0.8]


def test_a_long_history_gives_its_last_value_from_its_end(root: Path, registry: Registry) -> None:
    """Without reading all of it."""
    lines = "".join(f"{1000 + step} {step / 7:.12f} {step}\n" for step in range(200_000))
    assert len(lines) > reading.WHOLE_METRIC
    (root / "1" / A / "metrics" / "acc").write_text(lines)
    version = versions(list(registry.scan({})))[A]
    assert version.metrics[0].step == 199_999
    assert len(registry.series(version, "acc").steps) == 200_000


def test_a_broken_version_or_model_is_a_problem(root: Path, registry: Registry) -> None:
    """The others of the model stay."""
    register(root, "churn", 2, A)
    fold = Fold().apply(registry.scan({}))
    (root / "models" / "churn" / "version-2" / "meta.yaml").write_text("{")
    (root / "models" / "churn" / "version-x").mkdir()
    records = list(registry.scan(fold.cursors))
    where = sorted(problem.where for problem in problems(records))
    assert where == ["models/churn/version-2", "models/churn/version-x"]
    assert {"1", "2"} <= versions(fold.apply(records).of(Version)).keys()


def test_names_that_lead_out_of_the_store_lead_nowhere(root: Path, registry: Registry) -> None:
    """Artifact places, data sets and metrics with `..` or links are not followed."""
    (root.parent / "secret").mkdir()
    (root.parent / "secret" / "MLmodel").write_text("flavors: {stolen: {}}")
    meta = root / "1" / A / "meta.yaml"
    meta.write_text(meta.read_text().replace("file:///moved/from", "file:///x/../../.."))
    model = root / "1" / A / "artifacts" / "model"
    (model / "MLmodel").unlink()
    (model / "MLmodel").symlink_to(root.parent / "secret" / "MLmodel")
    (model / "loop").symlink_to(model)
    place = root / "1" / A / "inputs" / "x"
    place.mkdir(parents=True)
    (place / "meta.yaml").write_text("source_type: DATASET\nsource_id: ../../../secret\n")
    found = versions(list(registry.scan({})))
    assert "stolen" not in repr(found)
    assert found[A].files == () or found[A].files[0].place is Place.NOWHERE
    with pytest.raises(Exception, match="no run"):
        registry.series(found[A], "../../meta.yaml")


def test_mangled_stores_neither_crash_nor_change(root: Path, around: Surroundings) -> None:
    """A thousand bytes changed at random, with a fixed seed: versions and problems, nothing else."""
    chance = random.Random(20260921)
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    for _ in range(150):
        path = chance.choice(files)
        data = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        path.write_bytes(data)
        before = snapshot(root)
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=str(root)), around)
        records = list(registry.scan({}))
        for version in versions(records).values():
            for metric in version.metrics:
                registry.series(version, metric.name)
        assert snapshot(root) == before


def test_a_folder_that_went_is_an_error(root: Path, registry: Registry) -> None:
    """All of it is not the same as nothing in it."""
    shutil.rmtree(root)
    with pytest.raises(Unavailable, match="no folder") as caught:
        list(registry.scan({}))
    assert caught.value.hint
    with pytest.raises(RegistryError):
        registry.fingerprint()


def test_a_fingerprint_tells_of_new_runs_and_changed_ones(root: Path, registry: Registry) -> None:
    """Without reading any of them."""
    seen = {registry.fingerprint()}
    lay_out(root, "c" * 32)
    seen.add(registry.fingerprint())
    (root / "1" / A / "tags" / "new").write_text("x")
    seen.add(registry.fingerprint())
    register(root, "late", 1, A)
    seen.add(registry.fingerprint())
    assert len(seen) == 4
