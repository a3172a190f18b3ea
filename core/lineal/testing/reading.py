"""The contract that every registry passes: what a scan says, and what it leaves alone."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import RegistryError
from lineal.model.records import (
    Alias,
    AliasMove,
    Complete,
    Edge,
    Gone,
    Model,
    NodeKind,
    Problem,
    Record,
)
from lineal.model.version import Algorithm, File, Place, Version
from lineal.registries import connect
from lineal.registries.base import Registry


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One registry under test: how to reach it, and the foreign folders that must not change."""

    spec: RegistrySpec
    around: Surroundings
    trees: tuple[Path, ...] = ()
    gone: RegistrySpec | None = None  # the same kind where nothing is; None: made by a folder or port that is not there


Held = Version | Model | Alias | AliasMove | Edge | Problem


class Fold:
    """The rows that scans leave behind, by scope: the plainest implementation of the meaning of `Complete`."""

    def __init__(self) -> None:
        self.scopes: dict[str, dict[str, Held]] = {}
        self.cursors: dict[str, str] = {}

    def apply(self, records: Iterable[Record]) -> Fold:
        """Take in one scan. Records that no `Complete` closes leave nothing behind."""
        said: list[Record] = []
        named: set[str] = set()
        for record in records:
            if not isinstance(record, Complete):
                said.append(record)
                continue
            named.add(record.scope)
            self._close(record, said)
            said = []
            if record.scope == "":
                self._drop(set(self.scopes) - named)
        return self

    def _close(self, complete: Complete, said: list[Record]) -> None:
        rows = dict(self.scopes.get(complete.scope, {})) if complete.delta else {}
        for record in said:
            if isinstance(record, Gone):
                rows = {slot: row for slot, row in rows.items() if not _belongs(row, record)}
            elif not isinstance(record, Complete):
                rows[_slot(record)] = record
        self.scopes[complete.scope] = rows
        self.cursors[complete.scope] = complete.cursor

    def _drop(self, scopes: set[str]) -> None:
        for scope in scopes:
            del self.scopes[scope]
            del self.cursors[scope]

    def rows(self) -> set[bytes]:
        """Return every row as bytes, in no order: two folds hold the same if these are equal."""
        return {
            msgspec.json.encode((type(row).__name__, row)) for scope in self.scopes.values() for row in scope.values()
        }

    def of(self, kind: type[Version]) -> list[Version]:
        """Return the versions held."""
        return [row for scope in self.scopes.values() for row in scope.values() if isinstance(row, kind)]


def _slot(record: Held) -> str:
    """What a record replaces when it is said again."""
    parts: tuple[str, ...]
    match record:
        case Version():
            parts = ("version", record.model, record.key)
        case Model():
            parts = ("model", record.name)
        case Alias():
            parts = ("alias", record.model, record.kind, record.name)
        case AliasMove():
            parts = ("move", record.model, record.name, repr(record.at), record.before, record.after)
        case Edge():
            parts = ("edge", repr(record.child), repr(record.parent), record.kind)
        case Problem():
            parts = ("problem", record.where, record.message)
    return "\0".join(parts)


def _written(record: Record) -> str:
    """Return a record as JSON in Python's dialect, which has NaN: two that are written the same are the same."""
    return json.dumps(msgspec.to_builtins(record))


def _belongs(row: Held, gone: Gone) -> bool:
    if isinstance(row, Version):
        return (row.model, row.key) == (gone.model, gone.key)
    if isinstance(row, Edge) and row.child.kind is NodeKind.VERSION:
        return (row.child.name, row.child.key) == (gone.model, gone.key)
    return False


def snapshot(tree: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, size and content of every path below `tree`, to prove that nothing there changed."""
    found: dict[str, tuple[int, int, str]] = {}
    for folder, folders, files in os.walk(tree):
        for name in [*folders, *files]:
            path = Path(folder, name)
            info = path.lstat()
            content = ""
            if stat.S_ISLNK(info.st_mode):
                content = str(path.readlink())
            elif stat.S_ISREG(info.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            size = info.st_size if stat.S_ISREG(info.st_mode) else 0
            found[str(path.relative_to(tree))] = (stat.S_IFMT(info.st_mode), size, content)
    return found


def digest(algorithm: Algorithm, data: bytes) -> str:
    """Return the digest of `data` as `algorithm` makes it."""
    if algorithm is Algorithm.GIT_SHA1:
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    if algorithm is Algorithm.BLAKE3:
        from blake3 import blake3

        return blake3(data).hexdigest()
    if algorithm is Algorithm.MD5_DOS2UNIX:
        text = b"\0" not in data[:512]
        data = data.replace(b"\r\n", b"\n") if text else data
        algorithm = Algorithm.MD5
    return hashlib.new(algorithm.value, data, usedforsecurity=False).hexdigest()


class RegistryContract:
    """What every registry promises its readers. Subclass it and give a `source` fixture with at least one version."""

    @pytest.fixture
    def source(self) -> Source:
        """Give the registry under test; every subclass overrides this."""
        raise NotImplementedError

    @pytest.fixture
    def registry(self, source: Source) -> Iterator[Registry]:
        """Connect to the registry under test."""
        registry = connect(source.spec, source.around)
        yield registry
        registry.close()

    def test_two_scans_say_the_same(self, registry: Registry) -> None:
        """A scan depends on what is there and on nothing else."""
        first, second = list(registry.scan({})), list(registry.scan({}))
        assert [_written(record) for record in first] == [_written(record) for record in second]
        assert any(isinstance(record, Version) for record in first)

    def test_a_scan_is_closed_and_speaks_of_its_own_registry(self, source: Source, registry: Registry) -> None:
        """The last record closes the scan, and every record names this registry."""
        records = list(registry.scan({}))
        last = records[-1]
        assert isinstance(last, Complete)
        assert last.scope == ""
        for record in records:
            if not isinstance(record, Edge):
                assert record.registry == source.spec.name

    def test_versions_are_unique_and_named(self, registry: Registry) -> None:
        """No identity is said twice, and none is empty."""
        versions = [record for record in registry.scan({}) if isinstance(record, Version)]
        identities = [(version.model, version.key) for version in versions]
        assert len(identities) == len(set(identities))
        assert all(version.model and version.key and version.name for version in versions)

    def test_aliases_point_at_versions_that_exist(self, registry: Registry) -> None:
        """What an alias names is among the versions, and an alias is said once."""
        records = list(registry.scan({}))
        there = {(record.model, record.key) for record in records if isinstance(record, Version)}
        aliases = [record for record in records if isinstance(record, Alias)]
        assert {(alias.model, alias.key) for alias in aliases} <= there
        assert len({(alias.model, alias.kind, alias.name) for alias in aliases}) == len(aliases)

    def test_edges_start_at_versions_that_exist(self, source: Source, registry: Registry) -> None:
        """The child of an edge is a version of this registry."""
        records = list(registry.scan({}))
        there = {(record.model, record.key) for record in records if isinstance(record, Version)}
        for edge in (record for record in records if isinstance(record, Edge)):
            assert edge.child.kind is NodeKind.VERSION
            assert edge.child.registry == source.spec.name
            assert (edge.child.name, edge.child.key) in there

    def test_records_survive_json(self, registry: Registry) -> None:
        """Every value can be kept as JSON and comes back the same."""
        for record in registry.scan({}):
            again = msgspec.convert(json.loads(_written(record)), type=type(record))
            assert _written(again) == _written(record)

    def test_bytes_match_their_size_and_digest(self, registry: Registry) -> None:
        """Files at hand can be opened, whole and in part, and are what their version says."""
        for file in self._at_hand(registry):
            with registry.open(file) as stream:
                data = stream.read()
            assert file.size in (None, len(data))
            if file.digest and file.digest.algorithm is not Algorithm.MD5_DIR:
                assert digest(file.digest.algorithm, data) == file.digest.hex
            with registry.open(file, 1, 7) as stream:
                assert stream.read() == data[1:8]

    def _at_hand(self, registry: Registry) -> list[File]:
        versions = [record for record in registry.scan({}) if isinstance(record, Version)]
        files = (file for version in versions for file in version.files if not file.path.endswith("/"))
        return list(islice((file for file in files if file.place in (Place.LOCAL, Place.CACHE)), 50))

    def test_series_are_aligned_and_in_step_order(self, registry: Registry) -> None:
        """Steps, values and times have one length, and steps do not go back."""
        versions = [record for record in registry.scan({}) if isinstance(record, Version)]
        for version in versions[:20]:
            for metric in version.metrics[:10]:
                series = registry.series(version, metric.name)
                assert len(series.steps) == len(series.values) == len(series.times)
                assert series.steps == sorted(series.steps)

    def test_a_second_scan_with_nothing_new_leaves_the_same_rows(self, registry: Registry) -> None:
        """An incremental scan ends where a first one ends."""
        first = Fold().apply(registry.scan({}))
        rows, cursors = first.rows(), dict(first.cursors)
        assert first.apply(registry.scan(cursors)).rows() == rows
        assert first.cursors == cursors

    def test_a_scan_can_be_left_in_the_middle(self, registry: Registry) -> None:
        """Leaving after the first record hurts neither this scan's resources nor the next scan."""
        scan = registry.scan({})
        next(scan)
        scan.close()  # type: ignore[attr-defined]
        assert Fold().apply(registry.scan({})).of(Version)

    def test_foreign_trees_stay_as_they_were(self, source: Source, registry: Registry) -> None:
        """Reading changes no file of the registry, not even beside one."""
        before = [snapshot(tree) for tree in source.trees]
        Fold().apply(registry.scan({}))
        self.test_bytes_match_their_size_and_digest(registry)
        self.test_series_are_aligned_and_in_step_order(registry)
        registry.close()
        assert [snapshot(tree) for tree in source.trees] == before

    def test_a_fingerprint_is_stable_while_nothing_changes(self, registry: Registry) -> None:
        """The cheap token stays the same over a scan, or there is none."""
        before = registry.fingerprint()
        Fold().apply(registry.scan({}))
        assert registry.fingerprint() == before

    def test_a_place_that_is_not_there_is_an_error_with_a_hint(self, source: Source) -> None:
        """Connecting touches nothing; scanning where nothing is says so, and what to do."""
        spec = source.gone or msgspec.structs.replace(source.spec, url=self._nowhere(source.spec.url))
        registry = connect(spec, source.around)
        with pytest.raises(RegistryError) as caught:
            list(registry.scan({}))
        assert caught.value.hint
        registry.close()

    def _nowhere(self, url: str) -> str:
        return "http://127.0.0.1:9/" if url.startswith("http") else f"{url.rstrip('/')}-that-is-not-there"
