"""What makes a version of files in folders: identity, ends, partial ones, and what the walk leaves out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError, NotFound
from lineal.model.records import Alias, Complete, Confidence, Edge, EdgeKind, Node, NodeKind, Problem, Record
from lineal.model.version import File, State, Version
from lineal.registries import adapter, connect
from lineal.registries.base import Registry
from lineal.registries.checkpoints import registry as module
from lineal.registries.checkpoints import versions as describing
from lineal.registries.checkpoints import walk
from lineal.testing import Fold
from tests.sources import checkpoints


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "theirs").mkdir()
    return tmp_path / "theirs"


@pytest.fixture
def registry(root: Path, around: Surroundings) -> Registry:
    return connect(RegistrySpec(name="files", kind="checkpoints", url=str(root)), around)


def versions(records: list[Record]) -> dict[str, Version]:
    return {record.key.rpartition("@")[0]: record for record in records if isinstance(record, Version)}


def scanned(registry: Registry) -> dict[str, Version]:
    return versions(list(registry.scan({})))


def problems(registry: Registry) -> list[Problem]:
    return [record for record in registry.scan({}) if isinstance(record, Problem)]


def params(version: Version) -> dict[str, Any]:
    return {param.name: param.value for param in version.params}


def test_touching_and_moving_make_no_new_version(root: Path, registry: Registry, around: Surroundings) -> None:
    checkpoints.versions_like(root)
    before = {version.key for version in scanned(registry).values()}
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
    assert {version.key for version in scanned(registry).values()} == before
    moved = shutil.copytree(root, root.with_name("moved"))
    other = connect(RegistrySpec(name="files", kind="checkpoints", url=str(moved)), around)
    assert {version.key for version in scanned(other).values()} == before


def test_one_changed_tensor_of_the_same_size_is_a_new_version_and_the_old_one_ends(
    root: Path, registry: Registry
) -> None:
    tensors = {f"layer.{number}": bytes([number]) * 50_000 for number in range(40)}
    path = checkpoints.safetensors(root / "model.safetensors", tensors)
    fold = Fold().apply(registry.scan({}))
    (old,) = fold.of(Version)
    checkpoints.safetensors(path, tensors | {"layer.17": b"\xff" * 50_000})
    (new,) = fold.apply(registry.scan(fold.cursors)).of(Version)
    assert old.key != new.key
    assert old.name == new.name


def test_a_torch_file_is_told_apart_by_the_archives_own_checksums(root: Path, registry: Registry) -> None:
    path = checkpoints.torch_zip(root / "a.pt", {"w": [1, 2]})
    first = scanned(registry)["a.pt"].key
    checkpoints.torch_zip(path, {"w": [1, 3]})
    assert scanned(registry)["a.pt"].key != first


def test_notes_beside_weights_make_no_new_version(root: Path, registry: Registry) -> None:
    checkpoints.trainer(root / "run")
    before = {version.key for version in scanned(registry).values()}
    (root / "run" / "README.md").write_text("---\nbase_model: acme/other\nlicense: mit\n---\n# Hello\n")
    (root / "run" / "eval_results.json").write_text('{"eval_acc": 0.5, "epoch": 2}')
    after = scanned(registry)
    assert {version.key for version in after.values()} == before
    assert after["run"].card == "# Hello\n"
    assert {metric.name: metric.value for metric in after["run"].metrics}["eval_acc"] == 0.5


def test_an_unchanged_run_is_not_read_again(root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.versions_like(root)
    fold = Fold().apply(registry.scan({}))
    rows = fold.rows()
    (root / "run" / "hparams.yaml").write_text("lr: 1e-2\n")
    read: list[str] = []

    class Watched(describing.Describer):
        def records(self) -> Any:
            read.append(self.run.folder)
            return super().records()

    monkeypatch.setattr(module, "Describer", Watched)
    fold.apply(registry.scan(fold.cursors))
    assert read == ["run"]
    assert fold.rows() != rows
    assert fold.rows() == Fold().apply(registry.scan({})).rows()


def test_a_run_written_this_very_moment_is_read_once_more(root: Path, around: Surroundings) -> None:
    path = checkpoints.safetensors(root / "model.safetensors", {"w": b"1"})
    now = path.stat().st_mtime
    spec = RegistrySpec(name="files", kind="checkpoints", url=str(root))
    fold = Fold()
    for clock, cursor in ((now + 1, False), (now + 10, True)):
        registry = connect(spec, Surroundings(around.cwd, around.home, {}, lambda clock=clock: clock))  # type: ignore[misc]
        fold.apply(registry.scan(fold.cursors))
        assert bool(fold.cursors["."]) == cursor


def test_what_is_deleted_ends(root: Path, registry: Registry) -> None:
    checkpoints.versions_like(root)
    fold = Fold().apply(registry.scan({}))
    shutil.rmtree(root / "bert" / "checkpoint-2")
    shutil.rmtree(root / "loose")
    fold.apply(registry.scan(fold.cursors))
    assert fold.rows() == Fold().apply(registry.scan({})).rows()
    assert not {"bert/checkpoint-2", "loose/a.safetensors"} & set(versions(fold.of(Version)))  # type: ignore[arg-type]


def test_what_may_not_be_listed_is_not_gone(root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.versions_like(root)
    fold = Fold().apply(registry.scan({}))
    before = len(fold.of(Version))
    listed = os.scandir

    def refuse(path: Path) -> Any:
        if path.name == "bert":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    records = list(registry.scan(fold.cursors))
    assert [record.where for record in records if isinstance(record, Problem)] == ["bert"]
    assert len(fold.apply(records).of(Version)) == before


def test_what_may_not_be_read_is_not_gone_and_is_tried_again(
    root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.versions_like(root)
    fold = Fold().apply(registry.scan({}))
    rows = {version.key for version in fold.of(Version)}
    os.utime(root / "loose" / "a.safetensors", (5, 5))
    opened = Path.open

    def refuse(path: Path, *args: Any, **keywords: Any) -> Any:
        if path.name == "a.safetensors":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **keywords)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        fold.apply(registry.scan(fold.cursors))
        assert {version.key for version in fold.of(Version)} == rows
        assert fold.cursors["loose"] == ""
    assert fold.apply(registry.scan(fold.cursors)).rows() == Fold().apply(registry.scan({})).rows()


def test_a_capped_walk_says_so_and_ends_nothing(
    root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.versions_like(root)
    fold = Fold().apply(registry.scan({}))
    rows = len(fold.of(Version))
    whole = walk.walk
    monkeypatch.setattr(walk, "walk", lambda path, *_: whole(path, 4))
    records = list(registry.scan(fold.cursors))
    assert [record.where for record in records if isinstance(record, Problem)] == ["."]
    assert len(fold.apply(records).of(Version)) == rows


def test_missing_shards_make_a_partial_version(root: Path, registry: Registry) -> None:
    for number in (1, 3):
        checkpoints.safetensors(root / "m" / f"model-0000{number}-of-00003.safetensors", {f"w{number}": b"1"})
    (found,) = scanned(registry).values()
    assert (found.name, found.state) == ("model.safetensors", State.PARTIAL)
    assert "model-00002-of-00003" in problems(registry)[0].message
    weights = {"a": "one.safetensors", "b": "two.safetensors"}
    checkpoints.safetensors(root / "n" / "one.safetensors", {"a": b"1"}).rename(root / "n" / "model.safetensors")
    (root / "n" / "config.json").write_text("{}")
    (root / "n" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    assert scanned(registry)["n"].state is State.PARTIAL


def test_a_half_written_file_is_a_problem_and_the_rest_goes_on(root: Path, registry: Registry) -> None:
    checkpoints.versions_like(root)
    path = checkpoints.safetensors(root / "loose" / "half.safetensors", {"w": b"1" * 1000})
    path.write_bytes(path.read_bytes()[:-1])
    (root / "loose" / "b.safetensors.tmp").write_bytes(b"")
    assert {"loose/a.safetensors"} == {at for at in scanned(registry) if at.startswith("loose")}
    (problem,) = problems(registry)
    assert problem.where == "loose/half.safetensors"
    assert problem.hint


def test_a_damaged_weight_beside_good_files_makes_a_partial_version(root: Path, registry: Registry) -> None:
    checkpoints.trainer(root / "run")
    (root / "run" / "checkpoint-2" / "model.safetensors").write_bytes(b"\xff" * 100)
    assert scanned(registry)["run/checkpoint-2"].state is State.PARTIAL
    assert scanned(registry)["run/checkpoint-4"].state is State.READY


def test_damaged_side_files_cost_only_what_they_say(root: Path, registry: Registry) -> None:
    checkpoints.versions_like(root)
    (root / "bert" / "checkpoint-4" / "config.json").write_text("{")
    (root / "run" / "hparams.yaml").write_text("a: [")
    (root / "run" / "metrics.csv").write_bytes(b'\x00"\xff')
    found = scanned(registry)
    assert len(found) == 5
    assert {problem.where for problem in problems(registry)} >= {"bert/checkpoint-4/config.json", "run/hparams.yaml"}


def test_an_evaluation_logged_after_saving_belongs_to_the_checkpoint(root: Path, registry: Registry) -> None:
    checkpoints.trainer(root / "run")
    found = {metric.name: metric.value for metric in scanned(registry)["run/checkpoint-4"].metrics}
    assert found == {"loss": 0.25, "eval_loss": 0.5}


def test_edges_of_a_trainer_run(root: Path, registry: Registry) -> None:
    checkpoints.trainer(root / "run")
    edges = [record for record in registry.scan({}) if isinstance(record, Edge)]
    said = [(e.child.key.partition("@")[0], e.parent.key.partition("@")[0] or e.parent.name, e.kind) for e in edges]
    assert said == [
        ("run/checkpoint-4", "run/checkpoint-2", EdgeKind.TRAINED_FROM),
        ("run", "run/checkpoint-4", EdgeKind.TRAINED_FROM),
        ("run", "acme/base", EdgeKind.FINETUNED),
    ]
    assert [edge.confidence for edge in edges] == [Confidence.DECLARED, Confidence.INFERRED, Confidence.DECLARED]


def test_an_adapter_names_its_base(root: Path, registry: Registry) -> None:
    checkpoints.safetensors(root / "lora" / "adapter_model.safetensors", {"a": b"1"})
    config = {"base_model_name_or_path": "acme/base", "r": 8, "target_modules": ["v", "q"], "peft_type": "LORA"}
    (root / "lora" / "adapter_config.json").write_text(json.dumps(config))
    records = list(registry.scan({}))
    (edge,) = (record for record in records if isinstance(record, Edge))
    assert (edge.kind, edge.parent) == (EdgeKind.ADAPTER, Node(NodeKind.MODEL, "", "acme/base", ""))
    assert params(versions(records)["lora"])["target_modules"] == ["q", "v"]


def test_a_lightning_run_is_one_model_with_its_settings_and_environment(root: Path, registry: Registry) -> None:
    checkpoints.versions_like(root)
    found = scanned(registry)["run/checkpoints/epoch=0-step=4.ckpt"]
    assert (found.model, found.name, found.number) == ("run", "epoch=0-step=4", 4)
    assert params(found) == {"lr": 0.001, "betas": [0.9, 0.99]}
    assert {metric.name: (metric.value, metric.step) for metric in found.metrics} == {
        "loss": (0.25, 3),
        "acc": (0.75, 3),
    }
    assert found.environment is not None
    assert (found.environment.cuda, found.environment.sources) == ("12.4", ("run/requirements.txt",))
    assert registry.series(found, "loss").steps == [1, 3]


def test_a_link_beside_a_file_is_an_alias(root: Path, registry: Registry) -> None:
    checkpoints.safetensors(root / "a.safetensors", {"w": b"1"})
    (root / "last.safetensors").symlink_to("a.safetensors")
    (root / "nowhere.safetensors").symlink_to("not-there")
    records = list(registry.scan({}))
    (alias,) = (record for record in records if isinstance(record, Alias))
    assert list(versions(records)) == ["a.safetensors"]
    assert (alias.name, alias.key) == ("last", versions(records)["a.safetensors"].key)


def test_other_registries_caches_and_loops_are_left_out(root: Path, registry: Registry) -> None:
    for folder in (
        "mlruns/0",
        ".git/x",
        "node_modules/y",
        "models--a--b/blobs",
        "tmp-checkpoint-5",
        "env/lib",
        "wandb",
    ):
        checkpoints.safetensors(root / folder / "model.safetensors", {"w": b"1"})
    (root / "env" / "pyvenv.cfg").touch()
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.safetensors")
    checkpoints.safetensors(root / "kept.pt.safetensors", {"w": b"1"})
    checkpoints.safetensors(root / "tracked.safetensors", {"w": b"1"})
    (root / "tracked.safetensors.dvc").touch()
    for name in ("optimizer.pt", "scheduler.pt", "rng_state_0.pth", "training_args.bin", "data.bin"):
        (root / name).touch()
    assert list(scanned(registry)) == ["kept.pt.safetensors"]


def test_names_that_are_no_utf8_are_shown_and_opened(root: Path, registry: Registry) -> None:
    name = os.fsdecode(b"\xff\xfe%41.safetensors")
    checkpoints.safetensors(root / name, {"w": b"1"})
    (found,) = scanned(registry).values()
    assert found.name == r"\xff\xfe%41.safetensors"
    with registry.open(found.files[0]) as stream:
        assert stream.read() == (root / name).read_bytes()


@pytest.mark.parametrize("location", ["../outside", "/etc/hostname", "", "%2e%2e/outside"])
def test_no_location_leads_outside(root: Path, registry: Registry, location: str) -> None:
    (root.parent / "outside").write_text("secret")
    with pytest.raises(NotFound):
        registry.open(File(path="x", location=location))


def test_secrets_and_private_names_are_no_parameters(root: Path, registry: Registry) -> None:
    checkpoints.safetensors(root / "m.safetensors", {"w": b"1"})
    settings = {"hub_token": "hf_x", "api_key": "k", "password": "p", "nested": {"secret": "s"}, "_private": 1}
    (root / "params.json").write_text(json.dumps(settings | {"max_tokens": 5, "pad_token": "<p>", "lr": 0.1}))
    assert params(scanned(registry)["m.safetensors"]) == {"max_tokens": 5, "lr": 0.1, "model.parameters": 1}


def test_the_root_is_named_after_its_folder_and_a_namesake_inside_it_stays_apart(
    root: Path, registry: Registry
) -> None:
    checkpoints.safetensors(root / "a.safetensors", {"w": b"1"})
    checkpoints.safetensors(root / "theirs" / "a.safetensors", {"w": b"1"})
    assert {version.model for version in scanned(registry).values()} == {"theirs", "./theirs"}
    for version in scanned(registry).values():
        assert registry.series(version, "loss").steps == []


def test_scopes_are_runs(root: Path, registry: Registry) -> None:
    checkpoints.versions_like(root)
    scopes = [record.scope for record in registry.scan({}) if isinstance(record, Complete)]
    assert scopes == ["bert", "loose", "run", ""]


def test_a_fingerprint_changes_when_a_checkpoint_is_overwritten(root: Path, registry: Registry) -> None:
    checkpoints.versions_like(root)
    before = registry.fingerprint()
    os.utime(root / "loose" / "a.safetensors", (5, 5))
    assert registry.fingerprint() != before


def test_discovery_names_each_place_once(root: Path, around: Surroundings) -> None:
    checkpoints.versions_like(root / "project" / "models")
    checkpoints.trainer(root / "project" / "my_output")
    checkpoints.safetensors(root / "project" / "src" / "deep" / "x.safetensors", {"w": b"1"})
    (root / "project" / "runs").mkdir()
    checkpoints.safetensors(root / "other" / "models" / "a.safetensors", {"w": b"1"})
    folders = [str(root / "project"), str(root / "project" / "models"), str(root / "other"), str(root / "absent")]
    found = list(adapter("checkpoints").discover(around, folders))
    assert [(spec.name, Path(spec.url).relative_to(root).as_posix()) for spec in found] == [
        ("models", "project/models"),
        ("my_output", "project/my_output"),
        ("other-models", "other/models"),
    ]


def test_discovery_takes_a_folder_with_loose_models_whole(root: Path, around: Surroundings) -> None:
    checkpoints.versions_like(root)
    checkpoints.safetensors(root / "here.safetensors", {"w": b"1"})
    assert [spec.url for spec in adapter("checkpoints").discover(around, [str(root)])] == [str(root)]


def test_discovery_takes_a_folder_of_runs_as_one_place(root: Path, around: Surroundings) -> None:
    for number in range(3):
        checkpoints.trainer(root / f"run-{number}")
    checkpoints.safetensors(root / "models" / "a.safetensors", {"w": b"1"})
    assert [spec.url for spec in adapter("checkpoints").discover(around, [str(root)])] == [str(root)]


def test_discovery_never_takes_the_home_folder_whole(around: Surroundings) -> None:
    checkpoints.safetensors(around.home / "loose.safetensors", {"w": b"1"})
    checkpoints.safetensors(around.home / "models" / "a.safetensors", {"w": b"1"})
    (found,) = adapter("checkpoints").discover(around, [str(around.home), "/"])
    assert found.url == str(around.home / "models")


def test_recognition(root: Path, around: Surroundings) -> None:
    checkpoints.versions_like(root / "models")
    (root / "notes.txt").touch()
    (root / "empty").mkdir()
    knows = adapter("checkpoints").recognise
    assert knows(str(root / "models"), around)
    assert knows(str(root / "models" / "loose" / "a.safetensors"), around)
    for other in (root / "notes.txt", root / "empty", root / "absent", "models", "https://example.org/models"):
        assert not knows(str(other), around)


def test_a_relative_path_is_refused_with_the_absolute_one(around: Surroundings) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(RegistrySpec(name="files", kind="checkpoints", url="models"), around)
    with pytest.raises(ConfigError):
        connect(RegistrySpec(name="files", kind="checkpoints", url="/a\0b"), around)
    assert str(around.cwd / "models") in caught.value.hint
