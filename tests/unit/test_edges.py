"""Who came from whom: edges as they were said, models meant by their names, and copies proved by equal bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from lineal.index import open_index
from lineal.index.clean import Said
from lineal.index.edges import is_weights
from lineal.index.index import Index
from lineal.index.opening import open_writer
from lineal.model.listing import Neighbour
from lineal.model.records import Alias, Confidence, Edge, EdgeKind, Node, NodeKind
from lineal.model.version import Algorithm, Code, Dataset, Digest, File, Version
from tests.filling import filled, made

BYTES = {
    Algorithm.MD5: "aa" * 16,
    Algorithm.SHA256: "bb" * 32,
    Algorithm.GIT_SHA1: "cc" * 20,
    Algorithm.BLAKE3: "dd" * 32,
}


def at(version: Version) -> Node:
    return Node(NodeKind.VERSION, version.registry, version.model, version.key)


def named(model: str, revision: str = "") -> Node:
    return Node(NodeKind.MODEL, "", model, revision)


def edge(child: Node, parent: Node, kind: EdgeKind = EdgeKind.FINETUNED) -> Edge:
    return Edge(child=child, parent=parent, kind=kind, confidence=Confidence.DECLARED, detail="card")


def weights(algorithm: Algorithm | None, path: str = "model.pt", size: int | None = 9_000) -> File:
    return File(path=path, size=size, digest=Digest(algorithm, BYTES[algorithm]) if algorithm else None)


class Opened:
    """Fills indexes, and closes what was opened of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.index: Index | None = None

    def __call__(self, records: Sequence[Said]) -> Index:
        """Write records and open the index."""
        self.index = open_index(filled(self.url, records))
        return self.index


@pytest.fixture
def index_of(index_url: str) -> Iterator[Opened]:
    opened = Opened(index_url)
    yield opened
    if opened.index:
        opened.index.close()


def shown(found: Sequence[Neighbour]) -> list[tuple[str, str, str]]:
    """Return what stands at the other ends: the key of a version or the name of the node, the kind, the confidence."""
    return [(one.version.key if one.version else one.node.name, one.kind, one.confidence) for one in found]


def parents(index: Index, version: Version) -> list[tuple[str, str, str]]:
    return sorted(shown(index.parents([at(version)])[at(version)]))


def children(index: Index, version: Version) -> list[tuple[str, str, str]]:
    return shown(index.children([at(version)])[at(version)])


BASE = made("base", "llm", "hub", created_at=10.0, name="9f2c")
OTHER = made("other", "llm", "hub", created_at=20.0)
TUNED = made("tuned", created_at=30.0, datasets=(Dataset(name="imagenet", digest="d1", role="training"),))
CODED = made(
    "coded", created_at=40.0, code=Code(repository="https://example.com/r.git", commit="abc", entry="train.py")
)


def test_declared_edges_are_seen_from_both_ends_with_what_says_so(index_of: Opened) -> None:
    index = index_of([TUNED, CODED, edge(at(CODED), at(TUNED), EdgeKind.RESUMED)])
    found = index.parents([at(CODED), at(TUNED)])
    assert [(one.node.kind, one.kind, one.detail) for one in found[at(CODED)] if one.kind is EdgeKind.RESUMED] == [
        (NodeKind.VERSION, EdgeKind.RESUMED, "card")
    ]
    assert children(index, TUNED) == [("coded", "resumed", "declared")]
    assert children(index, CODED) == []


def test_data_and_code_are_parents_and_know_their_children(index_of: Opened) -> None:
    index = index_of([TUNED, CODED])
    assert parents(index, TUNED) == [("imagenet", "trained_on", "declared")]
    assert parents(index, CODED) == [("https://example.com/r.git", "built_from", "declared")]
    data = Node(NodeKind.DATASET, "", "imagenet", "d1")
    assert shown(index.children([data])[data]) == [("tuned", "trained_on", "declared")]
    assert index.children([data])[data][0].detail == "training"
    nobody = Node(NodeKind.DATASET, "", "imagenet", "d2")
    assert index.children([nobody]) == {nobody: []}


@pytest.mark.parametrize(
    ("revision", "aliases", "meant"),
    [
        ("", [], "other"),  # the newest
        ("", [Alias(registry="hub", model="llm", name="main", key="base")], "base"),
        ("base", [], "base"),  # a key
        ("9f2c", [], "base"),  # a version's name
        ("stable", [Alias(registry="hub", model="llm", name="stable", key="base")], "base"),
        ("nowhere", [], "llm"),  # a revision that is not here stays a name
    ],
)
def test_a_model_named_as_a_parent_is_the_version_that_its_name_means(
    index_of: Opened, revision: str, aliases: list[Alias], meant: str
) -> None:
    index = index_of([BASE, OTHER, TUNED, edge(at(TUNED), named("llm", revision)), *aliases])
    assert [one for one in parents(index, TUNED) if one[1] == "finetuned"] == [(meant, "finetuned", "declared")]
    for version in (BASE, OTHER):
        expected = [("tuned", "finetuned", "declared")] if version.key == meant else []
        assert children(index, version) == expected


def test_children_come_newest_first_and_no_more_than_were_asked_for(index_of: Opened) -> None:
    many = [made(f"k{i:03}", created_at=float(i) if i else None) for i in range(30)]
    index = index_of([BASE, *many, *(edge(at(one), at(BASE)) for one in many)])
    found = index.children([at(BASE)], limit=5)[at(BASE)]
    assert [one.version.key for one in found if one.version] == ["k029", "k028", "k027", "k026", "k025"]
    assert len(index.children([at(BASE)])[at(BASE)]) == 30


def test_a_version_that_is_its_own_ancestor_harms_nobody(index_of: Opened) -> None:
    index = index_of([TUNED, CODED, edge(at(CODED), at(TUNED)), edge(at(TUNED), at(CODED)), edge(at(TUNED), at(TUNED))])
    assert ("tuned", "finetuned", "declared") in parents(index, TUNED)
    assert ("coded", "finetuned", "declared") in parents(index, TUNED)


def test_equal_bytes_in_two_registries_prove_a_copy_and_the_older_one_is_the_parent(index_of: Opened) -> None:
    first = made("first", "churn", "hub", created_at=1.0, files=(weights(Algorithm.SHA256),))
    later = made("later", "risk", "toy", created_at=2.0, files=(weights(Algorithm.SHA256, "out/best.bin"),))
    index = index_of([later, first])
    assert parents(index, later) == [("first", "copied", "proved")]
    assert children(index, first) == [("later", "copied", "proved")]
    assert (parents(index, first), children(index, later)) == ([], [])
    assert "out/best.bin" in index.parents([at(later)])[at(later)][0].detail


def test_a_copy_that_was_declared_is_proved_once_the_bytes_are_equal(index_of: Opened) -> None:
    first = made("first", "churn", "hub", created_at=1.0, files=(weights(Algorithm.MD5),))
    later = made("later", "risk", "toy", created_at=2.0, files=(weights(Algorithm.MD5),))
    index = index_of([first, later, edge(at(later), at(first), EdgeKind.COPIED)])
    assert parents(index, later) == [("first", "copied", "proved")]


def _know(url: str) -> None:
    """Note all hashes of some bytes, as fingerprinting does."""
    with open_writer(url) as writer:
        writer.begin()
        sql = "INSERT INTO content (id, size, md5, sha256, git_sha1, blake3) VALUES (1, 9000, ?, ?, ?, ?)"
        writer.database.run(sql, [BYTES[kind] for kind in BYTES])
        writer.database.run("UPDATE file SET content_id = 1 WHERE algorithm = ''")


@pytest.mark.parametrize("one", [Algorithm.MD5, Algorithm.SHA256, Algorithm.GIT_SHA1, Algorithm.BLAKE3, None])
@pytest.mark.parametrize("other", [Algorithm.SHA256, None])
def test_bytes_named_by_other_hashes_are_the_same_once_they_were_fingerprinted(
    index_of: Opened, one: Algorithm | None, other: Algorithm | None
) -> None:
    first = made("first", "churn", "hub", created_at=1.0, files=(weights(one),))
    later = made("later", "risk", "toy", created_at=2.0, files=(weights(other),))
    index = index_of([first, later])
    before = [("first", "copied", "proved")] if one is other is not None else []
    assert parents(index, later) == before
    _know(index_of.url)
    assert parents(index, later) == [("first", "copied", "proved")]
    assert children(index, first) == [("later", "copied", "proved")]


def test_all_hashes_of_a_file_are_told_once_its_bytes_were_seen(index_of: Opened) -> None:
    said = weights(Algorithm.MD5)
    index = index_of([made("1", files=(said,))])
    assert index.digests(said) == {said.digest}
    _know(index_of.url)
    assert index.digests(said) == {Digest(kind, value) for kind, value in BYTES.items()}
    assert index.digests(weights(None)) == frozenset()


def test_equal_small_files_and_files_of_one_model_are_no_copies(index_of: Opened) -> None:
    config = weights(Algorithm.MD5, "config.json", 100_000)
    first = made("first", "churn", "hub", created_at=1.0, files=(config,))
    later = made("later", "risk", "toy", created_at=2.0, files=(config,))
    again = made("again", "risk", "toy", created_at=3.0, files=(weights(Algorithm.SHA256),))
    same = made("same", "risk", "toy", created_at=4.0, files=(weights(Algorithm.SHA256),))
    index = index_of([first, later, again, same])
    assert [parents(index, one) for one in (first, later, again, same)] == [[], [], [], []]


@pytest.mark.parametrize(
    ("path", "size", "counts"),
    [
        ("model.safetensors", 10, True),
        ("model.PT", None, True),
        ("model.bin", 0, False),
        ("config.json", 10**6, False),
        ("README.md", 10**6, False),
        ("weights", 10**6, True),
        ("weights", 100, False),
        ("weights", None, False),
    ],
)
def test_weights_are_what_proves_a_copy(path: str, size: int | None, counts: bool) -> None:
    assert is_weights(path, size) is counts
