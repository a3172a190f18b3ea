"""What a sync promises: every registry it can read, whole scopes only, and a word about each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import IndexUnavailable, NotFound, Unavailable
from lineal.index.comparison import rows_for_comparison
from lineal.index.database import Row
from lineal.index.lock import holding
from lineal.index.opening import open_writer
from lineal.model.records import Complete, Gone, Problem, Record
from lineal.model.version import Algorithm, Digest, File, Kind, Version
from lineal.registries.base import Cursors
from lineal.sync import Event, Failed, Fingerprinting, Finished, Met, Progress, Started, Summary, rebuild, sync
from tests.sources import scripted
from tests.sources.scripted import FINGERPRINTS, SCRIPTS, saying


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted.install(monkeypatch)


def version(registry: str, key: str, *files: File) -> Version:
    return Version(registry=registry, model="m", key=key, name=key, kind=Kind.RUN, files=files)


def whole(registry: str, *keys: str) -> tuple[Record, ...]:
    return (*(version(registry, key) for key in keys), Complete(registry=registry, scope=""))


def spec(name: str) -> RegistrySpec:
    return scripted.spec(name, f"/{name}")


def rows(index_url: str) -> dict[str, list[Row]]:
    with open_writer(index_url) as writer:
        return rows_for_comparison(writer.database)


def keys(index_url: str) -> list[tuple[str, str]]:
    return sorted((row[0], row[3]) for row in rows(index_url)["version"])


def registry_row(index_url: str, name: str) -> Row:
    return next(row for row in rows(index_url)["registry"] if row[0] == name)


def test_all_registries_are_read_into_one_index(index_url: str, around: Surroundings) -> None:
    SCRIPTS["/a"], SCRIPTS["/b"] = saying(*whole("a", "1", "2")), saying(*whole("b", "1"))
    heard: list[Event] = []
    summary = sync([spec("a"), spec("b")], around, index_url, on_event=heard.append)
    assert keys(index_url) == [("a", "1"), ("a", "2"), ("b", "1")]
    assert {(done.registry, done.added) for done in summary.finished} == {("a", 2), ("b", 1)}
    assert heard[0] == Started(registries=("a", "b"))
    assert heard[-1] == summary
    last = {event.registry: event for event in heard if isinstance(event, Progress)}
    assert last["a"].done == 2
    assert {type(event) for event in heard} == {Started, Progress, Finished, Summary}


def gone(since: Cursors) -> Iterator[Record]:
    raise Unavailable("gone", hint="h")


def test_one_registry_that_fails_is_told_and_the_others_go_on(index_url: str, around: Surroundings) -> None:
    def broken(since: Cursors) -> Iterator[Record]:
        yield version("a", "1")
        yield Complete(registry="a", scope="first")
        yield version("a", "2")
        yield Problem(registry="a", where="x", message="torn")
        raise Unavailable("the server went away", hint="try later")

    SCRIPTS["/a"], SCRIPTS["/b"] = broken, saying(*whole("b", "1"))
    heard: list[Event] = []
    summary = sync([spec("a"), spec("b")], around, index_url, on_event=heard.append)
    assert summary.failed == (Failed(registry="a", message="the server went away", hint="try later"),)
    assert keys(index_url) == [("a", "1"), ("b", "1")]
    assert registry_row(index_url, "a")[4:6] == ("the server went away", "try later")
    assert [row[2] for row in rows(index_url)["problem"]] == ["x"]
    assert Met(problem=Problem(registry="a", where="x", message="torn")) in heard
    SCRIPTS["/a"] = saying(*whole("a", "3"))
    sync([spec("a"), spec("b")], around, index_url)
    assert keys(index_url) == [("a", "3"), ("b", "1")]
    assert registry_row(index_url, "a")[4:6] == ("", "")
    assert rows(index_url)["problem"] == []


def test_a_fault_of_an_adapter_is_raised_once_the_others_are_done(index_url: str, around: Surroundings) -> None:
    def faulty(since: Cursors) -> Iterator[Record]:
        yield version("a", "1")
        raise KeyError("oops")

    SCRIPTS["/a"], SCRIPTS["/b"] = faulty, saying(*whole("b", "1"))
    with pytest.raises(KeyError, match="oops"):
        sync([spec("a"), spec("b")], around, index_url)
    assert keys(index_url) == [("b", "1")]
    assert "KeyError" in registry_row(index_url, "a")[4]


def test_a_value_of_a_wrong_type_costs_its_registry_that_scope_alone(index_url: str, around: Surroundings) -> None:
    bad = Version(registry="a", model="m", key="2", name="2", kind=Kind.RUN, number="seven")  # type: ignore[arg-type]
    first, last = Complete(registry="a", scope="one"), Complete(registry="a", scope="")
    SCRIPTS["/a"] = saying(version("a", "1"), first, bad, Complete(registry="a", scope="two"), version("a", "3"), last)
    SCRIPTS["/b"] = saying(*whole("b", "1"))
    with pytest.raises(msgspec.ValidationError):
        sync([spec("a"), spec("b")], around, index_url)
    assert keys(index_url) == [("a", "1"), ("a", "3"), ("b", "1")]
    assert "ValidationError" in registry_row(index_url, "a")[4]


def test_a_scan_gets_the_cursors_that_the_last_one_left(index_url: str, around: Surroundings) -> None:
    seen: list[dict[str, str]] = []

    def counting(since: Cursors) -> Iterator[Record]:
        seen.append(dict(since))
        at = int(since.get("s", "0")) + 1
        yield version("a", str(at))
        if at == 3:
            yield Gone(registry="a", model="m", key="1")
        yield Complete(registry="a", scope="s", cursor=str(at), delta=True)
        yield Complete(registry="a", scope="")

    SCRIPTS["/a"] = counting
    for _ in range(3):
        sync([spec("a")], around, index_url)
    assert [cursors.get("s") for cursors in seen] == [None, "1", "2"]
    assert keys(index_url) == [("a", "2"), ("a", "3")]


def test_a_registry_with_the_same_fingerprint_is_not_read(index_url: str, around: Surroundings) -> None:
    reads = [0]

    def once(since: Cursors) -> Iterator[Record]:
        reads[0] += 1
        yield from whole("a", "1")

    SCRIPTS["/a"], FINGERPRINTS["/a"] = once, "f1"
    sync([spec("a")], around, index_url)
    summary = sync([spec("a")], around, index_url)
    assert (reads[0], summary.finished[0].skipped) == (1, True)
    FINGERPRINTS["/a"] = "f2"
    sync([spec("a")], around, index_url)
    assert reads[0] == 2


def test_a_failed_registry_is_read_again_although_its_fingerprint_is_the_same(
    index_url: str, around: Surroundings
) -> None:
    SCRIPTS["/a"], FINGERPRINTS["/a"] = saying(*whole("a", "1")), "f1"
    sync([spec("a")], around, index_url)

    FINGERPRINTS["/a"], SCRIPTS["/a"] = "f2", gone
    assert sync([spec("a")], around, index_url).failed
    FINGERPRINTS["/a"], SCRIPTS["/a"] = "f1", saying(*whole("a", "2"))
    sync([spec("a")], around, index_url)
    assert keys(index_url) == [("a", "2")]


def test_registries_that_went_from_the_configuration_go_unless_only_some_are_synced(
    index_url: str, around: Surroundings
) -> None:
    SCRIPTS["/a"], SCRIPTS["/b"] = saying(*whole("a", "1")), saying(*whole("b", "1"))
    sync([spec("a"), spec("b")], around, index_url)
    assert sync([spec("a")], around, index_url, only=["a"]).dropped == ()
    assert len(keys(index_url)) == 2
    assert sync([spec("a")], around, index_url).dropped == ("b",)
    assert keys(index_url) == [("a", "1")]


def test_only_local_registries_are_read_where_that_is_asked_for(index_url: str, around: Surroundings) -> None:
    SCRIPTS["/far"], SCRIPTS["/near"] = saying(*whole("far", "1")), saying(*whole("near", "1"))
    FINGERPRINTS["/near"] = "f"
    sync([spec("far"), spec("near")], around, index_url, local_only=True)
    assert keys(index_url) == [("near", "1")]


def test_a_name_that_is_no_registry_is_told(index_url: str, around: Surroundings) -> None:
    with pytest.raises(NotFound, match="'b'"):
        sync([spec("a")], around, index_url, only=["b"])


def test_cancelling_keeps_whole_scopes_and_nothing_else(index_url: str, around: Surroundings) -> None:
    cancel = threading.Event()

    def endless(since: Cursors) -> Iterator[Record]:
        yield version("a", "1")
        yield Complete(registry="a", scope="first", cursor="c")
        number = 1
        while True:
            number += 1
            yield version("a", str(number))
            if number == 500:
                cancel.set()

    SCRIPTS["/a"] = endless
    summary = sync([spec("a")], around, index_url, cancel=cancel)
    assert summary.cancelled
    assert keys(index_url) in ([], [("a", "1")])
    assert registry_row(index_url, "a")[4] == ""
    SCRIPTS["/a"] = saying(*whole("a", "7"))
    assert not sync([spec("a")], around, index_url).cancelled
    assert keys(index_url) == [("a", "7")]


def test_a_scan_that_hangs_does_not_keep_a_cancelled_sync(index_url: str, around: Surroundings) -> None:
    cancel, release = threading.Event(), threading.Event()

    def hanging(since: Cursors) -> Iterator[Record]:
        cancel.set()
        release.wait(30)
        yield version("a", "1")

    SCRIPTS["/a"] = hanging
    assert sync([spec("a")], around, index_url, cancel=cancel).cancelled
    release.set()


def test_a_second_sync_waits_or_says_that_one_is_running(index_url: str, around: Surroundings) -> None:
    SCRIPTS["/a"] = saying(*whole("a", "1"))
    with holding(index_url):
        with pytest.raises(IndexUnavailable, match="another sync"):
            sync([spec("a")], around, index_url)
        waiting = threading.Thread(target=lambda: sync([spec("a")], around, index_url, wait=20))
        waiting.start()
    waiting.join(20)
    assert keys(index_url) == [("a", "1")]


def test_progress_is_told_about_ten_times_a_second_at_most(index_url: str, around: Surroundings) -> None:
    SCRIPTS["/a"] = saying(*whole("a", *map(str, range(3_000))))
    heard: list[Event] = []
    summary = sync([spec("a")], around, index_url, on_event=heard.append)
    told = sum(isinstance(event, Progress) for event in heard)
    assert 1 <= told <= 3 + 11 * summary.seconds


def test_a_rebuild_gives_the_same_rows_and_a_failed_one_keeps_the_old(index_url: str, around: Surroundings) -> None:
    SCRIPTS["/a"], SCRIPTS["/b"] = saying(*whole("a", "1", "2")), saying(*whole("b", "1"))
    specs = [spec("a"), spec("b")]
    sync(specs, around, index_url)
    before = rows(index_url)
    rebuild(specs, around, index_url)
    assert rows(index_url) == before

    SCRIPTS["/b"] = gone
    assert rebuild(specs, around, index_url).failed
    assert rows(index_url) == before


# Fingerprints


@pytest.fixture
def bytes_at(tmp_path: Path) -> Callable[[str, bytes], str]:
    """Write a file that was not changed lately, and return its path."""

    def write(name: str, data: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(data)
        os.utime(path, (1_600_000_000, 1_600_000_000))
        return str(path)

    return write


HELLO = {
    Algorithm.MD5: "5d41402abc4b2a76b9719d911017c592",
    Algorithm.SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
}


def file(local: str, algorithm: Algorithm | None = None) -> File:
    digest = Digest(algorithm, HELLO[algorithm]) if algorithm else None
    return File(path=Path(local).name, local=local, digest=digest)


def test_equal_bytes_in_two_registries_are_one_content(
    index_url: str, around: Surroundings, bytes_at: Callable[[str, bytes], str]
) -> None:
    SCRIPTS["/a"] = saying(
        version("a", "1", file(bytes_at("a", b"hello"), Algorithm.MD5)), Complete(registry="a", scope="")
    )
    SCRIPTS["/b"] = saying(version("b", "1", file(bytes_at("b", b"hello"))), Complete(registry="b", scope=""))
    heard: list[Event] = []
    assert sync([spec("a"), spec("b")], around, index_url, on_event=heard.append).hashed == 2
    found = rows(index_url)
    assert [(row[1], row[2]) for row in found["content"]] == [(HELLO[Algorithm.MD5], HELLO[Algorithm.SHA256])]
    shown = [(row[0], row[6], row[7], row[8], row[12]) for row in found["file"]]
    assert shown == [
        ("a", "md5", HELLO[Algorithm.MD5], 0, HELLO[Algorithm.SHA256]),
        ("b", "sha256", HELLO[Algorithm.SHA256], 1, HELLO[Algorithm.SHA256]),
    ]
    last = [event for event in heard if isinstance(event, Fingerprinting)][-1]
    assert (last.files, last.of_files, last.bytes, last.of_bytes) == (2, 2, 10, 10)


def test_bytes_that_are_not_those_named_are_left_out(
    index_url: str, around: Surroundings, bytes_at: Callable[[str, bytes], str]
) -> None:
    changed = file(bytes_at("a", b"something else"), Algorithm.MD5)
    SCRIPTS["/a"] = saying(version("a", "1", changed), Complete(registry="a", scope=""))
    assert sync([spec("a")], around, index_url).mismatched == 1
    assert rows(index_url)["content"] == []
    assert rows(index_url)["file"][0][6:9] == ("md5", HELLO[Algorithm.MD5], 0)


def test_a_file_that_changed_or_went_loses_what_was_computed(
    index_url: str, around: Surroundings, bytes_at: Callable[[str, bytes], str]
) -> None:
    path = bytes_at("a", b"hello")
    SCRIPTS["/a"] = saying(version("a", "1", file(path)), Complete(registry="a", scope=""))
    sync([spec("a")], around, index_url)
    bytes_at("a", b"hullo")
    sync([spec("a")], around, index_url)
    assert rows(index_url)["file"][0][7] not in ("", HELLO[Algorithm.SHA256])
    assert len(rows(index_url)["content"]) == 1
    Path(path).unlink()
    sync([spec("a")], around, index_url)
    assert rows(index_url)["file"][0][6:9] == ("", "", 0)
    assert rows(index_url)["content"] == []


def test_fingerprints_are_off_by_one_setting_and_remembered_for_a_rebuild(
    index_url: str, around: Surroundings, bytes_at: Callable[[str, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineal.store.fingerprint._RACY", 0)  # the file was made by this very test
    SCRIPTS["/a"] = saying(version("a", "1", file(bytes_at("a", b"hello"))), Complete(registry="a", scope=""))
    assert sync([spec("a")], around, index_url, fingerprint=False).hashed == 0
    assert rows(index_url)["content"] == []
    assert sync([spec("a")], around, index_url).hashed == 1
    before = rows(index_url)
    assert sync([spec("a")], around, index_url).hashed == 0
    assert rebuild([spec("a")], around, index_url).hashed == 0
    assert rows(index_url) == before


def test_cancelling_while_files_are_hashed_keeps_what_was_found(
    index_url: str, around: Surroundings, bytes_at: Callable[[str, bytes], str]
) -> None:
    files = [file(bytes_at("small", b"hello")), file(bytes_at("large", bytes(8 << 20)))]
    SCRIPTS["/a"] = saying(version("a", "1", *files), Complete(registry="a", scope=""))
    cancel = threading.Event()

    def stop_at_the_large_one(event: Event) -> None:
        if isinstance(event, Fingerprinting):
            cancel.set()

    slow = 4 << 20  # bytes per second: two seconds in all
    summary = sync([spec("a")], around, index_url, on_event=stop_at_the_large_one, cancel=cancel, bytes_per_second=slow)
    assert (summary.cancelled, summary.hashed) == (True, 1)
    assert summary.seconds < 1.5
    assert [row[7] for row in rows(index_url)["file"]] == [HELLO[Algorithm.SHA256], ""]
