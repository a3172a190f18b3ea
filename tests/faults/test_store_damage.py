"""Damaged stores: found on read or harmless, never wrong bytes, and mended from a remote."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from lineal.config import StoreSpec
from lineal.errors import Conflict, Corrupt, Error, NotFound, Unavailable, Unsupported
from lineal.registries.native import exchange, trees, upkeep
from lineal.registries.native.shelf import Said, Shelf
from lineal.store import care, documents, packs, sources
from lineal.store.bases import Bases
from lineal.store.effort import Effort
from lineal.store.manifest import Content, Manifest, Parent
from lineal.store.writing import Writer
from tests import shelves

FILES = [{"m.safetensors": shelves.safetensors(weights), "t.txt": b"hello"} for weights in shelves.chain(2, 400)]


def filled(folder: Path) -> dict[str, dict[str, bytes]]:
    """Make a store of two versions, the second a difference from the first."""
    with shelves.shelf(folder) as shelf:
        return {shelves.commit(shelf, files, folder).id: files for files in FILES}


def read(folder: Path, expected: dict[str, dict[str, bytes]]) -> bool:
    """Say whether all versions can be read; what can be read must be right."""
    shutil.rmtree(folder / "home", ignore_errors=True)
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    whole = True
    for identity, files in expected.items():
        try:
            with shelves.shelf(folder) as shelf:
                assert shelves.files_of(shelf, identity, folder / "out" / identity) == files
        except Error:
            assert not (folder / "out" / identity).exists()
            whole = False
    return whole


def test_no_flipped_byte_gives_wrong_bytes(tmp_path: Path) -> None:
    expected = filled(tmp_path)
    objects = [path for path in sorted((tmp_path / "store").rglob("*")) if path.is_file() and path.parent.name != "tmp"]
    step = 1 if os.environ.get("LINEAL_FULL") else 97
    found = 0
    for path in objects:
        data = path.read_bytes()
        path.chmod(0o644)
        for at in range(0, len(data), step):
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
            found += not read(tmp_path, expected)
        path.write_bytes(data)
    assert found
    assert read(tmp_path, expected)


@pytest.mark.parametrize("how", ["flip", "cut", "empty", "swap", "foreign", "gone"])
def test_a_damaged_pack_is_found_and_mended_from_a_remote(tmp_path: Path, how: str) -> None:
    expected = filled(tmp_path)
    with shelves.shelf(tmp_path) as shelf, shelves.shelf(tmp_path, "remote") as remote:
        exchange.carry(shelf, remote, exchange.plan(shelf, remote, exchange.everything(shelf, remote)))
    first, second = sorted((tmp_path / "store" / "packs").rglob("*.pack"))
    data = first.read_bytes()
    changed = {
        "flip": data[:200] + bytes([data[200] ^ 1]) + data[201:],
        "cut": data[: len(data) // 2],
        "empty": b"",
        "swap": second.read_bytes(),
        "foreign": b"PK\x03\x04 something else",
        "gone": None,
    }[how]
    first.unlink()
    if changed is not None:
        first.write_bytes(changed)
    assert not read(tmp_path, expected)
    with shelves.shelf(tmp_path) as shelf, shelves.shelf(tmp_path, "remote") as remote:
        faults = care.verify(shelf.store, upkeep.live(shelf), full=True).faults
        assert faults
        assert upkeep.repair(shelf, remote, faults).left == ()
        assert care.verify(shelf.store, upkeep.live(shelf), full=True).faults == ()
    assert read(tmp_path, expected)


def test_a_manifest_that_is_gone_or_damaged_is_mended(tmp_path: Path) -> None:
    expected = filled(tmp_path)
    with shelves.shelf(tmp_path) as shelf, shelves.shelf(tmp_path, "remote") as remote:
        exchange.carry(shelf, remote, exchange.plan(shelf, remote, exchange.everything(shelf, remote)))
        one, other = (shelf.store.backend.path / documents.key(identity) for identity in expected)  # type: ignore[attr-defined]
    one.unlink()
    other.chmod(0o644)
    other.write_bytes(other.read_bytes()[:-1])
    with shelves.shelf(tmp_path) as shelf, shelves.shelf(tmp_path, "remote") as remote:
        faults = care.verify(shelf.store, upkeep.live(shelf)).faults
        assert [fault.key for fault in faults] == sorted(documents.key(identity) for identity in expected)
        assert upkeep.repair(shelf, remote, faults).versions == 2
    assert read(tmp_path, expected)


def test_another_copy_of_a_block_is_read_where_one_is_damaged(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    expected = {}
    with shelves.shelf(tmp_path) as shelf:
        for weights in shelves.chain(2):
            data = shelves.safetensors(weights)
            (work / "m.safetensors").write_bytes(data)
            made = shelf.commit(trees.read([work]), Said(), kind="model", name="m", effort=Effort.FAST)
            expected[made.id] = {"m.safetensors": data}
        upkeep.repack(shelf, Effort.MAX)
        doubles = list(shelf.store.catalog.packs())[2:]
        assert doubles
    for name in doubles:
        path = tmp_path / "store" / packs.key(name)
        path.chmod(0o644)
        whole = path.read_bytes()
        path.write_bytes(whole[:20] + bytes(20) + whole[40:])
    assert read(tmp_path, expected)


def test_a_store_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    file = tmp_path / "store" / "format"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b'"lineal_store":1', b'"lineal_store":99'))
    with pytest.raises(Unsupported, match="99"):
        shelves.shelf(tmp_path)


def test_a_manifest_whose_paths_lead_out_writes_nothing(tmp_path: Path) -> None:
    for path in ("../evil", "/etc/evil", "a/../../evil", "a//b", "nul\0"):
        with shelves.shelf(tmp_path) as shelf:
            (tmp_path / "data.bin").write_bytes(b"evil" * 100)
            with Writer(shelf.store) as writer:
                content, layout = writer.add(sources.of_path(tmp_path / "data.bin"), "data.bin")
                files = (msgspec.structs.replace(content, path=path),)
                identity = writer.finish(Manifest(kind="model", name="m", files=files), [layout])
            with pytest.raises(Error):
                shelves.files_of(shelf, identity, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("evil"))


def test_a_link_in_a_manifest_is_not_followed_when_files_are_written(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"evil" * 100)
    with shelves.shelf(tmp_path) as shelf:
        with Writer(shelf.store) as writer:
            content, layout = writer.add(sources.of_path(tmp_path / "data.bin"), "z/evil")
            link = Content(path="z", mode=0o120000, target=str(tmp_path / "outside"))
            identity = writer.finish(Manifest(kind="model", name="m", files=(link, content)), [layout])
        (tmp_path / "outside").mkdir()
        with pytest.raises(Error):
            shelves.files_of(shelf, identity, tmp_path / "deep" / "out")
    assert not list((tmp_path / "outside").iterdir())


def test_a_file_that_changes_while_it_is_read_is_not_committed(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"a" * 3_000_000)
    with shelves.shelf(tmp_path) as shelf:
        tree = trees.read([path])

        def touch(_: int) -> None:
            with path.open("r+b") as stream:
                stream.write(b"b")

        with pytest.raises(Conflict, match="changed"):
            shelf.commit(tree, Said(), kind="model", name="m", on_bytes=touch)
        assert shelf.state().models == {}


def test_what_cannot_be_committed_is_said_before_anything_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "out").symlink_to("/etc/passwd")
    with pytest.raises(Unavailable, match="leads out"):
        trees.read([folder])
    (folder / "out").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(Unavailable, match="regular"):
        trees.read([folder])
    with pytest.raises(NotFound):
        trees.read([tmp_path / "nothing"])


def test_modes_links_and_empty_folders_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "bin").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "bin" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "bin" / "run.sh").chmod(0o755)
    (folder / "zero").write_bytes(b"")
    (folder / "latest").symlink_to("bin/run.sh")
    with shelves.shelf(tmp_path) as shelf:
        made = shelf.commit(trees.read([folder]), Said(), kind="model", name="m")
        shelves.files_of(shelf, made.id, tmp_path / "out")
        again = shelf.commit(trees.read([tmp_path / "out"]), Said(), kind="model", name="m")
    assert again.id == made.id
    assert not again.fresh
    assert os.readlink(tmp_path / "out" / "latest") == "bin/run.sh"
    assert (tmp_path / "out" / "bin" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "empty").is_dir()


def test_an_interrupted_get_goes_on_where_it_was(tmp_path: Path) -> None:
    data = os.urandom(6_000_000)
    with shelves.shelf(tmp_path) as shelf:
        made = shelves.commit(shelf, {"w.bin": data}, tmp_path)
        partial = tmp_path / f"out.{made.id[:12]}.partial"
        partial.mkdir()
        (partial / "w.bin").write_bytes(data[:4_000_000] + b"wrong from here on")
        before = shelf.store.reader.fetched
        assert shelves.files_of(shelf, made.id, tmp_path / "out") == {"w.bin": data}
        assert shelf.store.reader.fetched - before < 2_600_000


def _commit_some(folder: str, box: int) -> None:
    place = Path(folder)
    for number in range(4):
        with Shelf.open(_spec(place), shelves.around(place / f"box-{box}")) as shelf:
            (place / f"box-{box}").mkdir(exist_ok=True)
            data = {"w.bin": b"%d %d" % (box, number) * 500, "shared.bin": b"the same" * 5000}
            shelves.commit(shelf, data, place / f"box-{box}")


def _spec(folder: Path) -> StoreSpec:
    return StoreSpec(url=str(folder / "store"), origin="given")


def test_sixteen_processes_commit_and_every_version_is_there_and_numbered_once(tmp_path: Path) -> None:
    shelves.shelf(tmp_path).close()
    for box in range(16):
        (tmp_path / f"box-{box}").mkdir()
    workers = [
        multiprocessing.get_context("spawn").Process(target=_commit_some, args=(str(tmp_path), box))
        for box in range(16)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 16
    with shelves.shelf(tmp_path) as shelf:
        versions = shelf.state().models["m"]
        assert sorted(one.number for one in versions.values()) == list(range(1, 65))
        assert care.verify(shelf.store, upkeep.live(shelf), full=True).faults == ()


def test_cleaning_up_and_writing_give_way_to_one_another(tmp_path: Path) -> None:
    from lineal.store import leases

    filled(tmp_path)
    with shelves.shelf(tmp_path) as shelf:
        with leases.writing(shelf.store.backend), pytest.raises(Conflict, match="writes"):
            upkeep.collect(shelf, upkeep.plan(shelf, grace=0.0))
        with leases.clearing(shelf.store.backend, shelves.NOW), pytest.raises(Conflict, match="cleaned"):
            shelves.commit(shelf, {"a": b"new"}, tmp_path)


def test_a_base_that_is_damaged_costs_room_and_nothing_else(tmp_path: Path) -> None:
    big = [{"m.safetensors": shelves.safetensors(weights)} for weights in shelves.chain(2)]
    with shelves.shelf(tmp_path) as shelf:
        first = shelves.commit(shelf, big[0], tmp_path)
    (pack,) = (tmp_path / "store" / "packs").rglob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[6000:8000] = bytes(2000)
    pack.write_bytes(data)
    with shelves.shelf(tmp_path) as shelf:
        parent = Said(parents=(Parent(kind="finetuned", id=first.id),))
        second = shelves.commit(shelf, big[1], tmp_path, said=parent)
        assert shelves.files_of(shelf, second.id, tmp_path / "out") == big[1]
        with pytest.raises(Corrupt):
            shelves.files_of(shelf, first.id, tmp_path / "none")


def test_a_shard_layout_may_change_and_tensors_are_still_found(tmp_path: Path) -> None:
    one, two = shelves.chain(2)
    with shelves.shelf(tmp_path) as shelf:
        first = shelves.commit(shelf, {"model.safetensors": shelves.safetensors(one)}, tmp_path)
        shards = {
            "model-1.safetensors": shelves.safetensors({"half": two["half"]}),
            "model-2.safetensors": shelves.safetensors({name: two[name] for name in ("bias", "encoder.weight")}),
        }
        said = Said(parents=(Parent(kind="finetuned", id=first.id),))
        made = shelves.commit(shelf, shards, tmp_path, said=said)
        assert made.written.stored < 0.6 * made.written.read
        assert len(Bases([shelf.store.document(first.id)])) == 3
