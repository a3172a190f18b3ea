"""The hub cache read as versions: cards, lineage, partial downloads, what is broken, and what changed since."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import NotFound, Unavailable
from lineal.model.records import Alias, AliasKind, Complete, Confidence, Edge, EdgeKind, NodeKind, Problem, Record
from lineal.model.values import Tag, Value
from lineal.model.version import Algorithm, Dataset, Kind, Place, Version
from lineal.registries import connect
from lineal.registries.base import Registry
from tests.sources.huggingface import Files, commit_of, etag, lay_out

ONE, TWO = commit_of("one"), commit_of("two")
WEIGHTS = b"\x02\0\0\0\0\0\0\0{}"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache folder."""
    place = tmp_path / "hub"
    place.mkdir()
    return place


@pytest.fixture
def registry(cache: Path, around: Surroundings) -> Registry:
    """The cache as a registry."""
    return connect(RegistrySpec(name="hf", kind="huggingface", url=str(cache)), around)


def only(records: list[Record]) -> Version:
    """Return the only version among records."""
    (version,) = (record for record in records if isinstance(record, Version))
    return version


def problems(records: list[Record]) -> list[Problem]:
    """Return the problems among records."""
    return [record for record in records if isinstance(record, Problem)]


def edges(records: list[Record]) -> list[tuple[str, EdgeKind, Confidence]]:
    """Return base, kind and confidence of every edge."""
    found = [record for record in records if isinstance(record, Edge)]
    assert all(edge.parent.kind is NodeKind.MODEL and edge.parent.registry == "" for edge in found)
    return [(edge.parent.name, edge.kind, edge.confidence) for edge in found]


def read(registry: Registry, cache: Path, files: Files) -> list[Record]:
    """Lay out one snapshot of `org/model` and scan it."""
    lay_out(cache, "org/model", ONE, files, ("main",))
    return list(registry.scan({}))


def card(front: str, body: str = "# Title\n") -> dict[str, bytes]:
    """Return a README.md with front matter."""
    return {"README.md": f"---\n{front}\n---\n{body}".encode()}


class TestVersions:
    """What a snapshot says."""

    def test_a_snapshot_is_a_version_with_files_named_by_their_blobs(self, registry: Registry, cache: Path) -> None:
        version = only(read(registry, cache, {"model.safetensors": WEIGHTS, "sub/a.txt": b"a"}))
        assert (version.model, version.key, version.name, version.kind) == ("org/model", ONE, ONE[:8], Kind.SNAPSHOT)
        weights, text = version.files
        assert weights.digest
        assert weights.digest.algorithm is Algorithm.SHA256
        assert weights.digest.hex == etag("model.safetensors", WEIGHTS)
        assert (weights.place, weights.size) == (Place.CACHE, len(WEIGHTS))
        assert Path(weights.local).read_bytes() == WEIGHTS
        assert text.path == "sub/a.txt"
        assert text.digest
        assert text.digest.algorithm is Algorithm.GIT_SHA1

    def test_refs_are_aliases(self, registry: Registry, cache: Path) -> None:
        lay_out(cache, "org/model", ONE, {"a": b"a"}, ("main", "refs/pr/1"))
        aliases = [record for record in registry.scan({}) if isinstance(record, Alias)]
        assert [(alias.name, alias.key, alias.kind) for alias in aliases] == [
            ("main", ONE, AliasKind.REF),
            ("refs/pr/1", ONE, AliasKind.REF),
        ]

    def test_commits_that_begin_alike_keep_their_full_names(self, registry: Registry, cache: Path) -> None:
        other = ONE[:8] + "0" * 32
        for commit in (ONE, other, TWO):
            lay_out(cache, "org/model", commit, {"a": b"a"})
        names = {record.name for record in registry.scan({}) if isinstance(record, Version)}
        assert names == {ONE, other, TWO[:8]}

    def test_a_model_without_an_organisation_and_names_with_dashes(self, registry: Registry, cache: Path) -> None:
        lay_out(cache, "gpt2", ONE, {"a": b"a"})
        lay_out(cache, "my-org/my-model", ONE, {"a": b"a"})
        assert {record.model for record in registry.scan({}) if isinstance(record, Version)} == {
            "gpt2",
            "my-org/my-model",
        }

    def test_data_sets_and_spaces_are_left_out(self, registry: Registry, cache: Path) -> None:
        for kind in ("datasets", "spaces"):
            (cache / f"{kind}--org--x" / "snapshots" / ONE).mkdir(parents=True)
        assert list(registry.scan({})) == [Complete(registry="hf", scope="")]

    def test_plain_files_instead_of_links_are_read_too(self, registry: Registry, cache: Path) -> None:
        folder = cache / "models--org--model" / "snapshots" / ONE
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"a": 1}')
        version = only(list(registry.scan({})))
        assert version.files[0].digest is None
        assert version.files[0].place is Place.CACHE
        assert [(param.name, param.value) for param in version.params] == [("config.a", 1)]

    def test_the_store_that_models_share_is_inside_the_cache(self, registry: Registry, cache: Path) -> None:
        snapshot = lay_out(cache, "org/model", ONE, {"model.safetensors": WEIGHTS})
        blob = (snapshot / "model.safetensors").resolve()
        shared = cache / "blobs" / "ab" / ("ab" * 32)
        shared.parent.mkdir(parents=True)
        blob.rename(shared)
        blob.symlink_to(os.path.relpath(shared, blob.parent))
        records = list(registry.scan({}))
        assert problems(records) == []
        (file,) = only(records).files
        assert file.digest
        assert file.digest.hex == etag("model.safetensors", WEIGHTS)
        assert Path(file.local) == shared

    def test_bytes_open_in_part_and_missing_ones_say_so(self, registry: Registry, cache: Path) -> None:
        (file,) = only(read(registry, cache, {"a.bin": b"0123456789"})).files
        with registry.open(file, 3, 4) as stream:
            assert stream.read() == b"3456"
        Path(file.local).unlink()
        with pytest.raises(NotFound) as caught:
            registry.open(file)
        assert caught.value.hint

    def test_a_file_outside_the_cache_is_not_opened(self, registry: Registry, cache: Path, tmp_path: Path) -> None:
        (file,) = only(read(registry, cache, {"a.bin": b"x"})).files
        (tmp_path / "secret").write_text("secret")
        for place in (tmp_path / "secret", cache / ".." / "secret"):
            with pytest.raises(Unavailable):
                registry.open(msgspec.structs.replace(file, location=str(place)))


class TestCards:
    """What README.md says."""

    def test_front_matter_becomes_tags_and_the_text_stays(self, registry: Registry, cache: Path) -> None:
        front = "license: mit\nlanguage: [en, de]\npipeline_tag: fill-mask\nlibrary_name: peft\ntags: [a, b, a]"
        version = only(read(registry, cache, card(front, "# Title\n\ntext\n")))
        assert version.card == "# Title\n\ntext"
        assert version.tags == (
            Tag("license", "mit"),
            Tag("language", "en, de"),
            Tag("pipeline_tag", "fill-mask"),
            Tag("library_name", "peft"),
            Tag("a"),
            Tag("b"),
        )

    def test_no_is_a_language_and_not_false(self, registry: Registry, cache: Path) -> None:
        assert only(read(registry, cache, card("language: no"))).tags == (Tag("language", "no"),)

    def test_results_become_metrics_with_their_data_set(self, registry: Registry, cache: Path) -> None:
        front = """\
datasets: [glue, org/own]
model-index:
- name: x
  results:
  - task: {type: text-classification}
    dataset: {type: glue, name: GLUE, config: sst2, split: validation}
    metrics:
    - {type: accuracy, value: 0.91}
    - {type: f1, value: "89.5%"}
    - {type: bad, value: high}
    - {type: nan, value: .nan}
  - dataset: {type: org/own}
    metrics:
    - {type: accuracy, value: 1}
    - {type: accuracy, value: 0.5}
"""
        version = only(read(registry, cache, card(front)))
        assert [(metric.name, metric.value, metric.dataset) for metric in version.metrics] == [
            ("accuracy/glue/sst2/validation", 0.91, "glue"),
            ("f1", 89.5, "glue"),
            ("accuracy/org/own", 1.0, "org/own"),
            ("accuracy/org/own#2", 0.5, "org/own"),
        ]
        assert version.datasets == (Dataset(name="glue", role="training"), Dataset(name="org/own", role="training"))

    @pytest.mark.parametrize(
        ("front", "expected"),
        [
            ("base_model: a/b\nbase_model_relation: quantized", [("a/b", EdgeKind.QUANTIZED, Confidence.DECLARED)]),
            ("base_model: a/b\nbase_model_relation: merge", [("a/b", EdgeKind.MERGED, Confidence.DECLARED)]),
            ("base_model: a/b", [("a/b", EdgeKind.FINETUNED, Confidence.DECLARED)]),
            (
                "base_model: [a/b, c/d, a/b]",
                [("a/b", EdgeKind.MERGED, Confidence.DECLARED), ("c/d", EdgeKind.MERGED, Confidence.DECLARED)],
            ),
            ("tags: ['base_model:adapter:a/b']", [("a/b", EdgeKind.ADAPTER, Confidence.INFERRED)]),
            (
                "tags: ['base_model:a/b', 'base_model:quantized:a/b']",
                [("a/b", EdgeKind.QUANTIZED, Confidence.INFERRED)],
            ),
            ("base_model: {a: b}\ntags: 3", []),
        ],
    )
    def test_bases(
        self,
        registry: Registry,
        cache: Path,
        front: str,
        expected: list[tuple[str, EdgeKind, Confidence]],
    ) -> None:
        assert edges(read(registry, cache, card(front))) == expected

    def test_an_adapter_names_its_base_in_its_own_configuration(self, registry: Registry, cache: Path) -> None:
        config = {"base_model_name_or_path": "a/b", "r": 8, "lora_alpha": 16, "target_modules": ["v", "q"]}
        files = {"adapter_config.json": json.dumps(config | {"peft_version": "0.19"}).encode()}
        records = read(registry, cache, files)
        assert edges(records) == [("a/b", EdgeKind.ADAPTER, Confidence.DECLARED)]
        version = only(records)
        values: dict[str, Value] = {param.name: param.value for param in version.params}
        assert values["target_modules"] == ["q", "v"]
        assert (values["r"], values["lora_alpha"]) == (8, 16)
        assert version.environment
        assert [(p.name, p.version) for p in version.environment.packages] == [("peft", "0.19")]

    def test_card_and_adapter_that_name_the_same_base_say_it_once(self, registry: Registry, cache: Path) -> None:
        files = {**card("base_model: a/b"), "adapter_config.json": b'{"base_model_name_or_path": "a/b"}'}
        assert edges(read(registry, cache, files)) == [("a/b", EdgeKind.ADAPTER, Confidence.DECLARED)]

    @pytest.mark.parametrize(
        "front", ["a: [", "- a\n- b", "a: 1\na: 2", "a: &x [1]\nb: *y", "x: " + "[" * 200 + "]" * 200]
    )
    def test_unreadable_front_matter_is_a_problem_and_the_text_stays(
        self, registry: Registry, cache: Path, front: str
    ) -> None:
        records = read(registry, cache, card(front, "# Still here\n"))
        assert only(records).card == "# Still here"
        (problem,) = problems(records)
        assert "README.md" in problem.where
        assert problem.hint

    def test_tags_of_other_yaml_make_nothing(self, registry: Registry, cache: Path) -> None:
        records = read(registry, cache, card("license: !!python/object/apply:os.system ['false']"))
        assert only(records).tags == (Tag("license", "false"),)

    def test_a_card_without_front_matter_and_one_that_is_no_text(self, registry: Registry, cache: Path) -> None:
        lay_out(cache, "org/plain", ONE, {"README.md": b"\xef\xbb\xbf# Plain\n"})
        lay_out(cache, "org/binary", TWO, {"README.md": b"\xff\xfe\x00"})
        cards = {record.model: record.card for record in registry.scan({}) if isinstance(record, Version)}
        assert cards == {"org/plain": "# Plain", "org/binary": "\\xff\\xfe\x00"}


class TestConfigurations:
    """What the JSON beside the weights says."""

    def test_nested_values_are_dotted_and_long_ones_cut(self, registry: Registry, cache: Path) -> None:
        config = {"a": {"b": {"c": 1}}, "long": list(range(100)), "id2label": {"0": "x"}, "no": None, "_private": 1}
        files = {"config.json": json.dumps(config | {"transformers_version": "5.1"}).encode()}
        files["generation_config.json"] = b'{"temperature": 0.5}'
        version = only(read(registry, cache, files))
        assert {param.name: param.value for param in version.params} == {
            "config.a.b.c": 1,
            "config.long": "[100 items]",
            "config.transformers_version": "5.1",
            "generation.temperature": 0.5,
        }

    def test_requirements_beside_the_weights_are_the_environment(self, registry: Registry, cache: Path) -> None:
        files = {"requirements.txt": b"torch==2.13.0+cu132\n", "config.json": b'{"transformers_version": "5.1"}'}
        environment = only(read(registry, cache, files)).environment
        assert environment
        assert [package.name for package in environment.packages] == ["torch", "transformers"]
        assert environment.cuda == "13.2"
        assert environment.sources == ("config.json", "requirements.txt")

    @pytest.mark.parametrize("data", [b"[1]", b"{", b"\xff", b"[" * 5000, b'{"a": 1' * 3])
    def test_unreadable_json_is_a_problem(self, registry: Registry, cache: Path, data: bytes) -> None:
        records = read(registry, cache, {"config.json": data, "model.safetensors": WEIGHTS})
        assert len(problems(records)) == 1
        assert only(records).files

    def test_half_a_surrogate_pair_cannot_break_the_index(self, registry: Registry, cache: Path) -> None:
        version = only(read(registry, cache, {"config.json": b'{"a": "\\ud800", "b": ["\\udc00"]}'}))
        assert msgspec.json.encode(version)
