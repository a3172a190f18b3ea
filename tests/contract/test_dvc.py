"""Git repositories keep the contract of registries: made by DVC and GTO, bare, with git-lfs, and behind a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import NotFound, Unavailable
from lineal.model.records import Alias, AliasKind, Complete, Edge, EdgeKind, NodeKind, Record
from lineal.model.version import Algorithm, Kind, Place, State, Version
from lineal.registries import connect
from lineal.testing import RegistryContract, Source
from tests.sources.dvc import Repo, clean, lfs_story, story
from tests.sources.dvc_tools import Made


def scanned(url: str | Path, around: Surroundings) -> list[Record]:
    """Return everything that a first scan says."""
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(url)), around)
    records = list(registry.scan({}))
    registry.close()
    return records


def versions(records: list[Record]) -> dict[tuple[str, str], Version]:
    """Return versions by model and name."""
    return {(record.model, record.name): record for record in records if isinstance(record, Version)}


def _source(url: str | Path, around: Surroundings, *trees: Path) -> Source:
    return Source(spec=RegistrySpec(name="git", kind="dvc", url=str(url)), around=around, trees=trees)


class TestMadeByTools(RegistryContract):
    """A repository that DVC and GTO made."""

    @pytest.fixture
    def source(self, dvc_made: Made, around: Surroundings) -> Source:
        """The repository, and beside it its remote."""
        return _source(dvc_made.repo, around, dvc_made.repo, dvc_made.remote)


class TestWorkTree(RegistryContract):
    """A work tree with a cache elsewhere, a model in git and a curve."""

    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings) -> Source:
        """The story."""
        repo = story(tmp_path / "repo", tmp_path / "cache")
        return _source(repo.path, around, repo.path, tmp_path / "cache")


class TestBare(RegistryContract):
    """A bare clone."""

    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings) -> Source:
        """The story, cloned with all refs."""
        repo = story(tmp_path / "repo", tmp_path / "cache")
        repo.git("clone", "-q", "--mirror", str(repo.path), str(tmp_path / "bare.git"))
        return _source(tmp_path / "bare.git", around, tmp_path / "bare.git")


class TestLfs(RegistryContract):
    """Models under git-lfs."""

    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings) -> Source:
        """Two pointers, the bytes of one."""
        repo = lfs_story(tmp_path / "repo")
        return _source(repo.path, around, repo.path)


class TestBehindUrl(RegistryContract):
    """A repository behind a URL, read through a clone without its blobs."""

    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings) -> Source:
        """The story, on a server that serves clones without blobs."""
        repo = served(story(tmp_path / "repo", tmp_path / "cache"))
        reach = Surroundings(around.cwd, around.home, clean(around.home), around.clock)
        return _source(f"file://{repo.path}", reach, repo.path)


def served(repo: Repo) -> Repo:
    """Let a repository be cloned without its blobs, as servers of repositories do."""
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return repo


def test_a_url_is_cloned_without_its_models(tmp_path: Path, around: Surroundings) -> None:
    """The clone holds what is read, and not the bytes of models, until one of them is opened."""
    repo = served(story(tmp_path / "repo", tmp_path / "cache"))
    reach = Surroundings(around.cwd, around.home, clean(around.home), around.clock)
    registry = connect(RegistrySpec(name="git", kind="dvc", url=f"file://{repo.path}"), reach)
    found = versions(list(registry.scan({})))
    onnx = next(version for (model, _), version in found.items() if model == "export/net.onnx")
    clone = next((around.cache_folder() / "clones").iterdir())
    listing = "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"
    held = repo.git("-C", str(clone), *listing).splitlines()
    blob = repo.git("rev-parse", "main:export/net.onnx")
    assert blob not in held
    assert repo.git("rev-parse", "main:dvc.lock") in held
    assert [file.place for file in onnx.files] == [Place.REMOTE]
    with registry.open(onnx.files[0], 0, 4) as stream:
        assert stream.read() == b"ONNX"
    with registry.open(onnx.files[0], 6) as stream:
        assert stream.read() == b"more or less"


def test_the_same_is_said_behind_a_url(tmp_path: Path, around: Surroundings) -> None:
    """But for where things are, a clone without blobs says what the repository itself says."""
    repo = served(story(tmp_path / "repo"))
    reach = Surroundings(around.cwd, around.home, clean(around.home), around.clock)
    here, there = (versions(scanned(url, reach)) for url in (repo.path, f"file://{repo.path}"))
    assert here.keys() == there.keys()
    for name, version in here.items():
        assert version.params == there[name].params
        assert version.metrics == there[name].metrics
        assert [file.digest for file in version.files] == [file.digest for file in there[name].files]


def test_the_story_is_read_as_it_happened(tmp_path: Path, around: Surroundings) -> None:
    """Commits that change a model, a merge that brings one in, an experiment, a registration, a stage, branches."""
    repo = story(tmp_path / "repo", tmp_path / "cache")
    records = scanned(repo.path, around)
    found = versions(records)
    kinds = {name: version.kind for (model, name), version in found.items() if model == "net"}
    assert sorted(kinds.values()) == [Kind.COMMIT, Kind.COMMIT, Kind.COMMIT, Kind.EXPERIMENT, Kind.REGISTERED]
    assert (kinds["v1.0.0"], kinds["warm-owl"]) == (Kind.REGISTERED, Kind.EXPERIMENT)
    assert {param.name: param.value for param in found["net", "warm-owl"].params} == {"lr": 4e-4}
    aliases = {(one.kind, one.name): one.key for one in records if isinstance(one, Alias) and one.model == "net"}
    main, side = repo.git("rev-parse", "main", "side").splitlines()
    assert aliases[AliasKind.STAGE, "prod"] == main
    assert aliases[AliasKind.BRANCH, "main"] == main
    assert aliases[AliasKind.BRANCH, "side"] == aliases[AliasKind.TAG, "paper"] == side


def test_a_model_of_git_lfs_is_its_pointer_says(tmp_path: Path, around: Surroundings) -> None:
    """Size and SHA-256 of the model, and where its bytes are."""
    records = scanned(lfs_story(tmp_path / "repo").path, around)
    places = [
        (version.model, version.state, file.size, file.place, file.digest and file.digest.algorithm)
        for version in versions(records).values()
        for file in version.files
    ]
    assert sorted(places) == [
        ("models/a.bin", State.PARTIAL, 3, Place.NOWHERE, Algorithm.SHA256),
        ("models/a.bin", State.READY, 11, Place.CACHE, Algorithm.SHA256),
        ("models/b.bin", State.PARTIAL, 5, Place.NOWHERE, Algorithm.SHA256),
    ]


def test_bytes_that_are_not_here_are_an_error_that_says_where(tmp_path: Path, around: Surroundings) -> None:
    """Nowhere, only with the server of git-lfs, or gone from the cache since the scan."""
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(lfs_story(tmp_path / "lfs").path)), around)
    missing = next(version for version in versions(list(registry.scan({}))).values() if version.state is State.PARTIAL)
    with pytest.raises(Unavailable, match="git-lfs") as caught:
        registry.open(missing.files[0])
    assert "lfs fetch" in caught.value.hint
    repo = story(tmp_path / "repo", tmp_path / "cache")
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(repo.path)), around)
    held = versions(list(registry.scan({})))["net", "v1.0.0"].files[0]
    Path(held.local).unlink()
    with pytest.raises(NotFound) as gone:
        registry.open(held)
    assert gone.value.hint


def test_a_cache_that_is_filled_later_is_seen(tmp_path: Path, around: Surroundings) -> None:
    """The fingerprint and an incremental scan follow the bytes, though no ref has moved."""
    repo = story(tmp_path / "repo", tmp_path / "cache")
    held = next(path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    data = held.read_bytes()
    held.unlink()
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(repo.path)), around)
    before = registry.fingerprint()
    cursors = {record.scope: record.cursor for record in registry.scan({}) if isinstance(record, Complete)}
    held.write_bytes(data)
    assert registry.fingerprint() != before
    states = [version.state for version in versions(list(registry.scan(cursors))).values()]
    assert states
    assert State.PARTIAL not in states


def test_an_imported_model_names_where_it_came_from(dvc_made: Made, around: Surroundings) -> None:
    """`dvc import` is an edge to a model in another repository, at the commit it was taken from."""
    edges = [record for record in scanned(dvc_made.repo, around) if isinstance(record, Edge)]
    imported = [edge for edge in edges if edge.kind is EdgeKind.COPIED]
    assert [(edge.parent.kind, edge.parent.name, edge.detail) for edge in imported] == [
        (NodeKind.MODEL, "models/base.pt", str(dvc_made.donor))
    ]
    assert imported[0].parent.key == dvc_made.base
