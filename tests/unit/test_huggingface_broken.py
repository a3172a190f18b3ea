"""A hub cache that is partial, broken, hostile, or changing: what is said of it, and what is not followed."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError, RegistryError
from lineal.model.records import Alias, Complete, Problem, Record
from lineal.model.version import Place, State, Version
from lineal.registries import adapter, connect
from lineal.registries.base import Registry
from lineal.testing import Fold
from tests.sources.huggingface import commit_of, etag, git_sha1, lay_out

ONE, TWO = commit_of("one"), commit_of("two")
FILES = {
    "README.md": b"---\nbase_model: a/b\nmodel-index:\n- results: []\n---\ntext",
    "config.json": b'{"a": {"b": [1, 2]}}',
    "adapter_config.json": b'{"r": 4, "base_model_name_or_path": "a/b"}',
    "model.safetensors.index.json": b'{"weight_map": {"a": "m-1.safetensors"}}',
    "m-1.safetensors": b"xx",
    "requirements.txt": b"torch==2.0\n",
}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with one sound model."""
    place = tmp_path / "hub"
    lay_out(place, "org/sound", ONE, {"config.json": b"{}"}, ("main",))
    return place


@pytest.fixture
def registry(cache: Path, around: Surroundings) -> Registry:
    """The cache as a registry."""
    return connect(RegistrySpec(name="hf", kind="huggingface", url=str(cache)), around)


def of(records: list[Record], model: str) -> Version:
    """Return the only version of a model."""
    (version,) = (record for record in records if isinstance(record, Version) and record.model == model)
    return version


def problems(records: list[Record]) -> list[Problem]:
    """Return the problems among records, each of which has a hint."""
    found = [record for record in records if isinstance(record, Problem)]
    assert all(problem.hint and problem.where for problem in found)
    return found


class TestPartial:
    """Downloads that are not whole."""

    def test_the_listing_of_the_tree_tells_what_is_missing(self, registry: Registry, cache: Path) -> None:
        lay_out(cache, "org/half", TWO, {"config.json": b"{}"})
        entry = {"size": 9, "blob_id": git_sha1(b"p"), "lfs_sha256": "ab" * 32, "lfs_size": 900}
        files = {"config.json": {"size": 2, "blob_id": git_sha1(b"{}")}, "model.safetensors": entry}
        trees = cache / "models--org--half" / "trees"
        trees.mkdir()
        (trees / f"{TWO}.json").write_text(json.dumps({"format_version": 1, "files": files}))
        version = of(list(registry.scan({})), "org/half")
        assert version.state is State.PARTIAL
        (missing,) = (file for file in version.files if file.place is Place.REMOTE)
        assert (missing.path, missing.size, missing.local) == ("model.safetensors", 900, "")
        assert missing.digest
        assert missing.digest.hex == "ab" * 32

    def test_without_a_listing_the_index_of_shards_tells(self, registry: Registry, cache: Path) -> None:
        index = {"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}
        files = {"model.safetensors.index.json": json.dumps(index).encode(), "m-1.safetensors": b"x"}
        lay_out(cache, "org/half", TWO, files)
        version = of(list(registry.scan({})), "org/half")
        assert version.state is State.PARTIAL
        assert [file.path for file in version.files if file.place is Place.REMOTE] == ["m-2.safetensors"]

    @pytest.mark.parametrize("text", ["{", "[]", '{"format_version": 2, "files": {}}', '{"format_version": 1}'])
    def test_a_listing_that_cannot_be_read_is_a_problem(self, registry: Registry, cache: Path, text: str) -> None:
        trees = cache / "models--org--sound" / "trees"
        trees.mkdir()
        (trees / f"{ONE}.json").write_text(text)
        records = list(registry.scan({}))
        assert len(problems(records)) == 1
        assert of(records, "org/sound").state is State.READY


class TestBroken:
    """What is unreadable is a problem, and the rest is read."""

    def test_a_link_to_a_blob_that_is_gone(self, registry: Registry, cache: Path) -> None:
        snapshot = lay_out(cache, "org/x", TWO, {"config.json": b"{}", "model.safetensors": b"x"})
        (snapshot / "model.safetensors").resolve().unlink()
        records = list(registry.scan({}))
        (problem,) = problems(records)
        assert "model.safetensors" in problem.where
        version = of(records, "org/x")
        assert version.state is State.PARTIAL
        file = version.files[1]
        assert (file.place, file.local) == (Place.REMOTE, "")
        assert file.digest
        assert file.digest.hex == etag("model.safetensors", b"x")

    def test_links_out_of_the_cache_are_not_followed(self, registry: Registry, cache: Path, tmp_path: Path) -> None:
        secret = tmp_path / "secret.json"
        secret.write_text('{"password": "canary"}')
        snapshot = lay_out(cache, "org/x", TWO, {"a": b"a"})
        (snapshot / "config.json").symlink_to(secret)
        (snapshot / "README.md").symlink_to("../../../../../secret.json")
        (snapshot / "folder").symlink_to(tmp_path)
        records = list(registry.scan({}))
        assert len(problems(records)) == 3
        assert b"canary" not in msgspec.json.encode(records)
        assert str(secret) not in {file.local for file in of(records, "org/x").files}

    def test_loops_pipes_and_folders_in_place_of_files(self, registry: Registry, cache: Path) -> None:
        snapshot = lay_out(cache, "org/x", TWO, {"a": b"a"})
        (snapshot / "loop").symlink_to("loop")
        os.mkfifo(snapshot / "config.json")
        (snapshot / "README.md").symlink_to("../../blobs")
        records = list(registry.scan({}))
        assert len(problems(records)) == 3
        assert of(records, "org/x").state is State.PARTIAL

    @pytest.mark.parametrize("text", ["", "main", "\x1b[31m", "../../x", TWO, "zz" * 5000])
    def test_a_ref_that_names_nothing_here(self, registry: Registry, cache: Path, text: str) -> None:
        (cache / "models--org--sound" / "refs" / "odd").write_text(text)
        records = list(registry.scan({}))
        assert len(problems(records)) == 1
        assert [record.name for record in records if isinstance(record, Alias)] == ["main"]

    def test_a_snapshot_that_is_named_by_no_commit(self, registry: Registry, cache: Path) -> None:
        (cache / "models--org--sound" / "snapshots" / "tmp").mkdir()
        records = list(registry.scan({}))
        assert len(problems(records)) == 1
        assert of(records, "org/sound")

    def test_a_model_that_is_a_file_or_has_no_snapshots(self, registry: Registry, cache: Path) -> None:
        (cache / "models--org--file").write_text("")
        (cache / "models--org--empty").mkdir()
        (cache / "models--org--link").symlink_to(cache / "models--org--sound")
        records = list(registry.scan({}))
        assert len(problems(records)) == 3
        assert {record.model for record in records if isinstance(record, Version)} == {"org/sound"}

    def test_names_that_are_no_utf8(self, registry: Registry, cache: Path) -> None:
        snapshot = lay_out(cache, "org/x", TWO, {"a": b"a"})
        Path(os.fsdecode(os.fsencode(snapshot) + b"/\xff")).write_text("x")
        (Path(os.fsdecode(os.fsencode(cache) + b"/models--\xff")) / "snapshots").mkdir(parents=True)
        records = list(registry.scan({}))
        assert msgspec.json.encode(records)
        assert len(problems(records)) == 1

    def test_a_snapshot_with_too_many_files_is_a_problem(
        self, registry: Registry, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lay_out(cache, "org/x", TWO, {f"f{number}": b"" for number in range(20)})
        monkeypatch.setattr("lineal.registries.huggingface.layout._ENTRIES", 10)
        records = list(registry.scan({}))
        assert [problem.where for problem in problems(records)] == ["models--org--x"]
        assert of(records, "org/sound")

    def test_a_folder_that_cannot_be_read_keeps_the_rows_it_had(
        self, registry: Registry, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fold = Fold().apply(registry.scan({}))
        monkeypatch.setattr("lineal.registries.huggingface.layout._ENTRIES", 0)
        (cache / "models--org--sound" / "refs" / "new").write_text(ONE)
        fold.apply(registry.scan(fold.cursors))
        assert len(fold.of(Version)) == 1
        monkeypatch.undo()
        assert fold.apply(registry.scan(fold.cursors)).rows() == Fold().apply(registry.scan({})).rows()

    def test_mutated_files_never_raise(self, registry: Registry, cache: Path) -> None:
        seeded = random.Random(7)
        for round_ in range(150):
            mutated = {}
            for path, data in FILES.items():
                bytes_ = bytearray(data)
                for _ in range(seeded.randrange(4)):
                    bytes_[seeded.randrange(len(bytes_))] = seeded.randrange(256)
                mutated[path] = bytes(bytes_[: seeded.randrange(len(bytes_) + 1)] if seeded.random() < 0.3 else bytes_)
            lay_out(cache, f"org/m{round_}", ONE, mutated)
        records = list(registry.scan({}))
        assert sum(isinstance(record, Version) for record in records) == 151
        assert msgspec.json.encode(records)


class TestChanges:
    """Incremental scans end where full ones end."""

    def test_an_untouched_model_costs_one_record(self, registry: Registry, cache: Path) -> None:
        lay_out(cache, "org/x", TWO, FILES)
        fold = Fold().apply(registry.scan({}))
        again = list(registry.scan(fold.cursors))
        assert [(record.scope, record.delta) for record in again if isinstance(record, Complete)] == [
            ("models--org--sound", True),
            ("models--org--x", True),
            ("", False),
        ]
        assert len(again) == 3

    @pytest.mark.parametrize("what", ["ref", "file", "snapshot", "blob gone", "model gone", "model", "tree"])
    def test_every_change_is_seen(self, registry: Registry, cache: Path, what: str) -> None:
        snapshot = lay_out(cache, "org/x", ONE, FILES, ("main",))
        folder = cache / "models--org--x"
        fold, print_ = Fold().apply(registry.scan({})), registry.fingerprint()
        match what:
            case "ref":
                (folder / "refs" / "v2").write_text(ONE)
            case "file":
                lay_out(cache, "org/x", ONE, {"late.txt": b"late"})
            case "snapshot":
                lay_out(cache, "org/x", TWO, {"config.json": b'{"new": 1}'}, ("main",))
            case "blob gone":
                (snapshot / "m-1.safetensors").resolve().unlink()
            case "model gone":
                shutil.rmtree(folder)
            case "model":
                lay_out(cache, "org/y", TWO, FILES)
            case "tree":
                (folder / "trees").mkdir()
                (folder / "trees" / f"{ONE}.json").write_text("{}")
        before = fold.rows()
        fold.apply(registry.scan(fold.cursors))
        assert fold.rows() == Fold().apply(registry.scan({})).rows() != before
        assert registry.fingerprint() != print_


class TestFinding:
    """Where caches are looked for."""

    def found(self, around: Surroundings, folders: list[Path], **environ: str) -> list[tuple[str, str]]:
        around = msgspec.structs.replace(around, environ=environ)
        specs = adapter("huggingface").discover(around, [str(folder) for folder in folders])
        return [(spec.name, spec.url) for spec in specs]

    @pytest.mark.parametrize(
        ("below", "environ"),
        [
            (".cache/huggingface/hub", {}),
            ("x", {"HF_HUB_CACHE": "~/x"}),
            ("x", {"HUGGINGFACE_HUB_CACHE": "$WHERE/x", "WHERE": "~"}),
            ("y/hub", {"HF_HOME": "~/y"}),
            ("z/huggingface/hub", {"XDG_CACHE_HOME": "~/z"}),
            ("x", {"HF_HUB_CACHE": "~/x", "HF_HOME": "~/y", "XDG_CACHE_HOME": "~/z"}),
        ],
    )
    def test_the_clients_own_variables(self, around: Surroundings, below: str, environ: dict[str, str]) -> None:
        lay_out(around.home / below, "org/x", ONE, {"a": b"a"})
        assert self.found(around, [], **environ) == [("huggingface", str(around.home / below))]

    def test_caches_beside_the_work_are_found_once(self, around: Surroundings) -> None:
        for place in (around.home / ".cache/huggingface/hub", around.cwd / "hub"):
            lay_out(place, "org/x", ONE, {"a": b"a"})
        assert self.found(around, [around.cwd, around.cwd / "hub", around.home]) == [
            ("huggingface", str(around.home / ".cache/huggingface/hub")),
            ("huggingface-2", str(around.cwd / "hub")),
        ]

    def test_nothing_is_found_where_nothing_is(self, around: Surroundings) -> None:
        (around.cwd / "models--org--x").mkdir()
        assert self.found(around, [around.cwd]) == []

    def test_recognise(self, around: Surroundings, cache: Path, tmp_path: Path) -> None:
        huggingface = adapter("huggingface")
        assert huggingface.recognise(str(cache), around)
        assert not huggingface.recognise(str(tmp_path), around)
        assert not huggingface.recognise("https://huggingface.co/org/x", around)

    def test_a_url_is_refused_with_a_hint(self, around: Surroundings) -> None:
        with pytest.raises(ConfigError) as caught:
            connect(RegistrySpec(name="hf", kind="huggingface", url="https://huggingface.co"), around)
        assert caught.value.hint

    def test_no_cache_is_an_error_with_a_hint(self, around: Surroundings) -> None:
        registry = connect(RegistrySpec(name="hf", kind="huggingface", url="/nonexistent/hub"), around)
        for ask in (registry.fingerprint, lambda: list(registry.scan({}))):
            with pytest.raises(RegistryError) as caught:
                ask()
            assert caught.value.hint
