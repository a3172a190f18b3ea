"""What every place of a store promises: objects made once, whole, and read as they were made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineal.errors import AuthRequired, NotFound, RegistryError
from lineal.registries.native import exchange
from lineal.registries.native.shelf import Shelf
from lineal.store.backend import Backend
from lineal.store.folder import FolderBackend
from lineal.store.s3 import S3Backend
from tests import ceph, s3, shelves


class BackendContract:
    @pytest.fixture
    def backend(self) -> Backend:
        raise NotImplementedError

    def test_an_object_is_made_once_and_never_replaced(self, backend: Backend) -> None:
        assert backend.create("packs/aa/one", b"first")
        assert not backend.create("packs/aa/one", b"other")
        assert backend.read("packs/aa/one") == b"first"
        assert backend.size("packs/aa/one") == 5

    def test_one_of_many_writers_wins(self, backend: Backend) -> None:
        with ThreadPoolExecutor(16) as pool:
            made = list(pool.map(lambda number: backend.create("ledger/00000000/1", b"%d" % number), range(16)))
        assert sum(made) == 1
        assert backend.read("ledger/00000000/1") == b"%d" % made.index(True)

    def test_ranges_are_what_was_asked_for(self, backend: Backend) -> None:
        backend.create("packs/aa/one", bytes(range(200)))
        assert backend.read("packs/aa/one", 10, 5) == bytes(range(10, 15))
        assert backend.read("packs/aa/one", 190) == bytes(range(190, 200))
        assert backend.read("packs/aa/one", 190, 50) == bytes(range(190, 200))
        assert backend.read("packs/aa/one", 5, 0) == b""
        assert backend.read("packs/aa/one", 500, 5) == b""

    @pytest.mark.parametrize("size", [0, 1, 16 << 20, (20 << 20) + 3])
    def test_files_of_any_size_come_back(self, backend: Backend, size: int) -> None:
        data = os.urandom(size)
        path = backend.scratch() / "given.tmp"
        path.write_bytes(data)
        assert backend.create("packs/bb/big", path)
        assert backend.size("packs/bb/big") == size
        assert backend.read("packs/bb/big") == data
        path.write_bytes(data)
        assert not backend.create("packs/bb/big", path)

    def test_what_is_not_there_is_said_so(self, backend: Backend) -> None:
        assert backend.size("packs/aa/none") is None
        with pytest.raises(NotFound):
            backend.read("packs/aa/none")
        backend.delete("packs/aa/none")

    @pytest.mark.parametrize(
        "key", ["../packs/aa/one", "packs/../../one", "/etc/passwd", "packs//one", "packs/A b", ""]
    )
    def test_no_key_leads_out_of_the_store(self, backend: Backend, key: str) -> None:
        assert backend.size(key) is None
        for use in (backend.read, backend.delete, lambda key: backend.create(key, b"x")):
            with pytest.raises(NotFound, match="no name"):
                use(key)

    def test_a_range_of_an_empty_object_is_empty(self, backend: Backend) -> None:
        backend.create("packs/aa/none", b"")
        assert backend.read("packs/aa/none", 0, 10) == b""

    def test_what_is_deleted_while_it_is_listed_is_no_failure(self, backend: Backend) -> None:
        for number in range(3):
            backend.create(f"locks/writer-{number}", b"x")
        listing = backend.list("locks/")
        first = next(listing).key
        backend.delete("locks/writer-2")
        assert {first, *(one.key for one in listing)} >= {"locks/writer-0", "locks/writer-1"}

    def test_keys_are_sorted_as_whole_keys(self, backend: Backend) -> None:
        keys = ["packs/a-b/1", "packs/a.b", "packs/a/1", "packs/a0"]
        for key in reversed(keys):
            backend.create(key, b"x")
        assert [one.key for one in backend.list("packs/")] == keys

    def test_what_lies_in_tmp_is_no_object(self, backend: Backend) -> None:
        backend.create("tmp/left", b"x")
        backend.create("packs/aa/one", b"x")
        assert [one.key for one in backend.list("")] == ["packs/aa/one"]

    def test_a_listing_is_sorted_and_keeps_to_its_prefix(self, backend: Backend) -> None:
        for name in ("packs/b/2", "packs/a/1", "packs/a/0", "manifests/a/9"):
            backend.create(name, name.encode())
        assert [(one.key, one.size) for one in backend.list("packs/")] == [
            ("packs/a/0", 9), ("packs/a/1", 9), ("packs/b/2", 9),
        ]  # fmt: skip
        backend.delete("packs/a/1")
        assert [one.key for one in backend.list("packs/")] == ["packs/a/0", "packs/b/2"]


class TestFolder(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return FolderBackend(tmp_path / "store")

    @pytest.mark.parametrize("umask", [0o000, 0o077])
    def test_objects_are_read_only_whatever_the_umask(self, tmp_path: Path, umask: int) -> None:
        before = os.umask(umask)
        try:
            FolderBackend(tmp_path / "store").create("packs/aa/one", b"x")
        finally:
            os.umask(before)
        assert (tmp_path / "store/packs/aa/one").stat().st_mode & 0o777 == 0o444
        assert not list((tmp_path / "store/tmp").iterdir())


class S3Contract(BackendContract):
    def test_versions_go_there_and_back_and_only_what_lacks_is_sent(self, backend: S3Backend, tmp_path: Path) -> None:
        options = dict(backend._options)
        chain = [shelves.safetensors(weights) for weights in shelves.chain(3)]
        with shelves.shelf(tmp_path) as here, shelves.at(backend.url, tmp_path, options) as there:
            first = shelves.commit(here, {"a.safetensors": chain[0]}, tmp_path)
            _carry(here, there)
            sizes = {one.key: one.size for one in backend.list("packs/")}
            second = shelves.commit(here, {"a.safetensors": chain[1]}, tmp_path)
            moved = _carry(here, there)
            fresh = [one.size for one in backend.list("packs/") if one.key not in sizes]
            assert moved == sum(fresh)
            assert _carry(here, there) == 0
            assert shelves.files_of(there, second.id, tmp_path / "direct") == {"a.safetensors": chain[1]}
        with shelves.at(backend.url, tmp_path, options) as there, shelves.shelf(tmp_path, "clone") as clone:
            _carry(there, clone)
            for made, data in ((first, chain[0]), (second, chain[1])):
                assert shelves.files_of(clone, made.id, tmp_path / made.id) == {"a.safetensors": data}
            assert [one.name for one in clone.state().models["m"].values()] == ["v1", "v2"]

    def test_writers_of_one_bucket_number_every_version_once(self, backend: S3Backend, tmp_path: Path) -> None:
        options = dict(backend._options)

        def work(number: int) -> str:
            folder = tmp_path / f"box-{number}"
            folder.mkdir()
            with shelves.at(backend.url, folder, options) as there:
                return shelves.commit(there, {"w.bin": b"%d" % number * 1000}, folder).id

        with shelves.at(backend.url, tmp_path, options) as there:
            with ThreadPoolExecutor(16) as pool:
                made = list(pool.map(work, range(16)))
            versions = there.state().models["m"]
            assert set(made) == set(versions)
            assert sorted(one.number for one in versions.values()) == list(range(1, 17))


def _carry(source: Shelf, target: Shelf) -> int:
    return exchange.carry(source, target, exchange.plan(source, target, exchange.everything(source, target))).sent


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with s3.moto() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ceph.KEYS, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)


def _bucket(endpoint: str, tmp_path: Path) -> Iterator[S3Backend]:
    name = f"b{abs(hash(str(tmp_path))) % 10**12}"
    s3.bucket(endpoint, name)
    backend = S3Backend(f"s3://{name}/team", {"endpoint": endpoint}, tmp_path / "cache")
    yield backend
    backend.close()


class TestMoto(S3Contract):
    @pytest.fixture
    def backend(self, moto: str, tmp_path: Path) -> Iterator[Backend]:
        yield from _bucket(moto, tmp_path)

    def test_a_listing_of_many_pages_is_whole(self, backend: Backend) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: backend.create(f"ledger/0/{number:04d}", b"x"), range(1100)))
        assert len(list(backend.list("ledger/"))) == 1100


@pytest.mark.ceph
class TestCeph(S3Contract):
    @pytest.fixture
    def backend(self, rgw: str, tmp_path: Path) -> Iterator[Backend]:
        yield from _bucket(rgw, tmp_path)

    def test_wrong_credentials_are_said_to_be_that(
        self, rgw: str, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrongwrongwrong")
        stranger = S3Backend(backend.url, {"endpoint": rgw}, tmp_path / "cache")
        with pytest.raises(AuthRequired) as caught:
            stranger.read("format", 0, 10)
        assert caught.value.hint
        stranger.close()


def test_a_server_that_is_not_there_is_an_error_within_the_deadline(tmp_path: Path) -> None:
    backend = S3Backend("s3://models/team", {"endpoint": "http://127.0.0.1:9", "deadline": "5"}, tmp_path)
    with pytest.raises(RegistryError) as caught:
        backend.read("format")
    assert caught.value.hint
    backend.close()
