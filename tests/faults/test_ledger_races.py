"""Sixteen processes that move one alias: as many moves as were acknowledged, each from where the last one left it."""

from __future__ import annotations

import json
import multiprocessing
import secrets
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from lineal.config import RegistrySpec
from lineal.errors import Conflict
from lineal.ledger import events, snapshots
from lineal.ledger.ledger import Ledger
from lineal.model.changes import SetAlias, Stamp
from lineal.registries.native.registry import NativeRegistry
from tests import ceph, s3, shelves

PROCESSES = 16
TOGETHER = 3  # rounds in which all have seen the same, and one of them can win
FREE = 4  # moves that each process tries as it likes
PATIENCE = 300.0  # seconds until a process that does not come is given up


def _change(registry: NativeRegistry, keys: list[str]) -> SetAlias:
    """Return a move of the alias from where it is now to another version."""
    seen = registry.current(SetAlias(registry="store", model="m", alias="prod"))
    assert isinstance(seen, SetAlias)
    return SetAlias(
        registry="store",
        model="m",
        alias="prod",
        before=seen.before,
        after=secrets.choice([key for key in keys if key != seen.before]),
    )


def _move(spec: RegistrySpec, folder: str, number: int, keys: list[str], barrier: Barrier) -> None:
    """Move the alias, and write down what became of each try: the move, or why not."""
    registry = NativeRegistry(spec, shelves.around(Path(folder)))
    said: list[tuple[str, str, str, str]] = []

    def attempt(change: SetAlias) -> None:
        stamp = Stamp(action=secrets.token_hex(16), at=shelves.NOW, by=f"process {number}")
        try:
            registry.apply(change, stamp)
        except Conflict as error:
            assert error.hint
            said.append(("lost", stamp.action, change.before, change.after))
        else:
            said.append(("won", stamp.action, change.before, change.after))

    for _ in range(TOGETHER):
        barrier.wait(PATIENCE)
        change = _change(registry, keys)
        barrier.wait(PATIENCE)
        attempt(change)
    for _ in range(FREE):
        attempt(_change(registry, keys))
    registry.close()
    Path(folder, f"said-{number}").write_text(json.dumps(said))


def _race(url: str, folder: Path, options: Mapping[str, str]) -> None:
    spec = RegistrySpec(name="store", kind="native", url=url, options=tuple(sorted(options.items())))
    with shelves.at(url, folder, options) as shelf:
        keys = [shelves.commit(shelf, {"w": bytes([mark])}, folder).id for mark in range(4)]
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(PROCESSES)
    workers = [
        spawn.Process(target=_move, args=(spec, str(folder), number, keys, barrier)) for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    said = [one for number in range(PROCESSES) for one in json.loads((folder / f"said-{number}").read_text())]
    won = {action: (before, after) for what, action, before, after in said if what == "won"}
    assert len(said) == PROCESSES * (TOGETHER + FREE)
    assert len(won) >= TOGETHER + FREE
    assert len(said) - len(won) >= TOGETHER * (PROCESSES - 1)  # those who lost, and were told so
    with shelves.at(url, folder, options) as shelf:
        found = shelf.ledger.verify()
        assert not found.problems
        moves = [one.event for one in shelf.ledger.walk() if one.event.kind == events.ALIAS]
        assert {one.action: (one.before, one.version) for one in moves} == won
        assert len(moves) == len(won)
        assert [one.before for one in moves] == ["", *(one.version for one in moves[:-1])]
        assert shelf.state().alias("", "m", "prod") == moves[-1].version
        assert len(shelf.state().moves("", "m", "prod")) == len(won)
        head = shelf.ledger.head
        snapshots.leave(shelf.store.backend, head.store, head.number, head.hash, shelf.state())
        new = Ledger(shelf.store.backend, head.store)
        assert new.refresh().alias("", "m", "prod") == moves[-1].version
        found = new.verify()
        assert (found.problems, found.snapshots) == ((), 1)


def test_a_race_on_disk_has_one_winner_for_each_step(tmp_path: Path) -> None:
    _race(str(tmp_path / "store"), tmp_path, {})


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, dict[str, str]]]:
    for name, value in {**ceph.KEYS, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)

    def made(endpoint: str) -> tuple[str, dict[str, str]]:
        name = f"b{secrets.token_hex(6)}"
        s3.bucket(endpoint, name)
        return f"s3://{name}/team", {"endpoint": endpoint}

    return made


@pytest.fixture
def moto() -> Iterator[str]:
    with s3.moto() as endpoint:
        yield endpoint


def test_a_race_in_a_bucket_has_one_winner_for_each_step(
    moto: str, bucket: Callable[[str], tuple[str, dict[str, str]]], tmp_path: Path
) -> None:
    url, options = bucket(moto)
    _race(url, tmp_path, options)


@pytest.mark.ceph
def test_a_race_in_a_bucket_of_ceph_has_one_winner_for_each_step(
    rgw: str, bucket: Callable[[str], tuple[str, dict[str, str]]], tmp_path: Path
) -> None:
    url, options = bucket(rgw)
    _race(url, tmp_path, options)
