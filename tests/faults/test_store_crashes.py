"""A store under disks that fill up, fail, and lose their power, and processes that are killed at any step.

`Disk` stands where the store's FileSystem stands. It can fail a step, end the process at one, or keep a log from which
the states are made that a loss of power may leave: what was not synced may be there, in part, or not at all.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from lineal.errors import Error, OutOfSpace
from lineal.registries.native import upkeep
from lineal.registries.native.shelf import Made
from lineal.store import care
from lineal.store.filesystem import FileSystem, Operation
from tests import shelves

T = TypeVar("T")
FILES = [{"model.safetensors": shelves.safetensors(weights), "a/b.txt": b"x" * 5} for weights in shelves.chain(3, 3000)]


class Disk(FileSystem):
    """Does something at step number `at`, or at every step from there on."""

    def __init__(self, at: int = -1, what: Callable[[Operation], None] | None = None, *, sticky: bool = False) -> None:
        super().__init__()
        self.at, self.what, self.sticky = at, what, sticky
        self.steps: list[str] = []

    def step(self, operation: Operation, action: Callable[[], T]) -> T:
        number = len(self.steps)
        self.steps.append(operation.name)
        if self.what is not None and (number == self.at or (self.sticky and number > self.at)):
            self.what(operation)
        return action()


def fail(code: int) -> Callable[[Operation], None]:
    def action(operation: Operation) -> None:
        if operation.name not in {"close", "discard"}:
            raise OSError(code, os.strerror(code))

    return action


def kill(_: Operation) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def commit(folder: Path, number: int, fs: FileSystem | None = None) -> Made:
    with shelves.shelf(folder, fs=fs) as shelf:
        return shelves.commit(shelf, FILES[number], folder)


def check(folder: Path, expected: dict[str, int], tag: str) -> None:
    """Every acknowledged version is whole, numbered once, and the store goes on working without help."""
    with shelves.shelf(folder, clock=shelves.NOW + 10 * 24 * 3600) as shelf:
        for identity, number in expected.items():
            assert shelves.files_of(shelf, identity, folder / f"out-{tag}-{number}") == FILES[number]
        standing = shelf.state().models.get("m", {})
        assert expected.keys() <= standing.keys()
        assert sorted(one.number for one in standing.values()) == list(range(1, len(standing) + 1))
        assert care.verify(shelf.store, upkeep.live(shelf), full=True).faults == ()


def steps_of_a_commit(folder: Path) -> int:
    base = folder / "count"
    commit(base, 0)
    disk = Disk()
    commit(base, 1, disk)
    return len(disk.steps)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("sticky", [False, True])
def test_a_disk_that_fails_at_any_step_loses_nothing(tmp_path: Path, code: int, sticky: bool) -> None:
    for at in range(steps_of_a_commit(tmp_path)):
        folder = tmp_path / f"{at}"
        first = commit(folder, 0)
        expected = {first.id: 0}
        try:
            expected[commit(folder, 1, Disk(at, fail(code), sticky=sticky)).id] = 1
        except OutOfSpace as error:
            assert error.hint
        check(folder, expected, "then")
        expected[commit(folder, 1).id] = 1
        expected[commit(folder, 2).id] = 2
        check(folder, expected, "later")
        shutil.rmtree(folder)


def test_a_process_killed_at_any_step_loses_nothing_and_locks_nobody_out(tmp_path: Path) -> None:
    for at in range(steps_of_a_commit(tmp_path)):
        folder = tmp_path / f"{at}"
        first = commit(folder, 0)
        child = os.fork()
        if child == 0:
            try:
                commit(folder, 1, Disk(at, kill))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        expected = {first.id: 0}
        if not os.WIFSIGNALED(status):
            expected[commit(folder, 1).id] = 1
        check(folder, expected, "then")
        expected[commit(folder, 1).id] = 1
        expected[commit(folder, 2).id] = 2
        check(folder, expected, "later")
        shutil.rmtree(folder)


class Log(FileSystem):
    """Keeps every step with what it was given, and may leave out syncs of one kind, to show that they are needed."""

    def __init__(self, without: str = "") -> None:
        super().__init__()
        self.without = without
        self.log: list[tuple[Operation, Path]] = []
        self.files: dict[int, Path] = {}

    def step(self, operation: Operation, action: Callable[[], T]) -> T:
        path = operation.path
        if operation.name == self.without:
            self.log.append((Operation("nothing", path), path))
            return None  # type: ignore[return-value]
        found = action()
        data = bytes(operation.data) if operation.name == "write" else operation.data
        self.log.append(
            (Operation(operation.name, path, operation.target, operation.handle, data, operation.number), path)
        )
        return found


class Power:
    """What a disk may hold after a loss of power: a model of one folder, without the parts that were not synced.

    Data of a file is safe once it was synced after it was written. A name is safe once its folder was synced after it
    was given or taken. Everything else may have reached the disk, or not: the two extremes are made, in which nothing
    more did, and in which all names did and no data.
    """

    def __init__(self, before: Path) -> None:
        self.root = before
        self.contents: dict[int, bytes] = {}  # inode: data now
        self.safe: dict[int, bytes] = {}  # inode: data on the disk
        self.names: dict[str, int] = {}  # path: inode, now
        self.safe_names: dict[str, int] = {}
        self.folders: set[str] = set()  # made, and not yet safe
        self.inode = 0
        for path in before.rglob("*"):
            if path.is_file():
                self.inode += 1
                self.contents[self.inode] = self.safe[self.inode] = path.read_bytes()
                self.names[str(path)] = self.safe_names[str(path)] = self.inode

    def take(self, operation: Operation) -> None:
        path, target = str(operation.path), operation.target
        match operation.name:
            case "create_temporary":
                self.inode += 1
                self.names[path], self.contents[self.inode], self.safe[self.inode] = self.inode, b"", b""
            case "write":
                self.contents[self.names[path]] += bytes(operation.data)
            case "sync":
                self.safe[self.names[path]] = self.contents[self.names[path]]
            case "link":
                self.names.setdefault(target, self.names[path])
            case "rename":
                self.names[target] = self.names.pop(path)
            case "discard":
                self.names.pop(path, None)
            case "make_folder":
                self.folders.add(path)
            case "sync_folder":
                self.folders = {folder for folder in self.folders if os.path.dirname(folder) != path}
                for name in {*self.names, *self.safe_names}:
                    if os.path.dirname(name) == path:
                        if name in self.names:
                            self.safe_names[name] = self.names[name]
                        else:
                            self.safe_names.pop(name, None)

    def _lost(self, name: str) -> bool:
        return any(name.startswith(f"{folder}/") for folder in self.folders)

    def states(self) -> Iterator[dict[str, bytes]]:
        yield {name: self.safe[inode] for name, inode in self.safe_names.items() if not self._lost(name)}
        yield {name: self.safe[inode] for name, inode in {**self.safe_names, **self.names}.items()}
        yield {
            name: self.contents[inode][: len(self.contents[inode]) // 2]
            if self.safe[inode] != self.contents[inode]
            else self.safe[inode]
            for name, inode in self.names.items()
        }


def losses(tmp_path: Path, without: str = "") -> int:
    """Cut the power after every step of two commits, in every state it may leave; return how many lose something."""
    live = tmp_path / "live"
    live.mkdir()
    (live / "store").mkdir()
    acknowledged: list[tuple[int, dict[str, int]]] = [(0, {})]
    disk = Log(without)
    power = Power(live / "store")
    for number in (0, 1):
        made = commit(live, number, disk)
        acknowledged.append((len(disk.log), {**acknowledged[-1][1], made.id: number}))
    lost = 0
    for at, (operation, _) in enumerate(disk.log, 1):
        if str(operation.path).startswith(str(live / "store")):
            power.take(operation)
        expected = [known for end, known in acknowledged if end <= at][-1]
        for state in power.states():
            lost += not _survives(tmp_path / "cut", live / "store", state, expected)
    return lost


def _survives(folder: Path, root: Path, state: dict[str, bytes], expected: dict[str, int]) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in state.items():
        path = folder / "store" / Path(name).relative_to(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    try:
        if expected:
            check(folder, expected, "cut")
        else:
            (folder / "store").mkdir(parents=True, exist_ok=True)
        commit(folder, 2)
    except (Error, AssertionError):
        return False
    return True


def test_a_loss_of_power_at_any_step_loses_nothing(tmp_path: Path) -> None:
    assert losses(tmp_path) == 0


@pytest.mark.parametrize("without", ["sync", "sync_folder"])
def test_every_sync_is_needed_and_a_missing_one_is_caught(tmp_path: Path, without: str) -> None:
    assert losses(tmp_path, without) > 0
