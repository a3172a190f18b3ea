"""Anchors: what a ledger was is written down elsewhere, once, and tells those who never saw it what became of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lineal.errors import ConfigError, Corrupt, NotFound
from lineal.ledger import events
from lineal.ledger.anchors import Anchor, Anchorage, Objects
from lineal.ledger.gittags import Tags
from lineal.ledger.ledger import Ledger
from lineal.store.folder import FolderBackend
from tests.unit.ledger.places import STORE, Place, event, filled, written

OTHER = "6" * 32


def git(folder: Path, *words: str, **more: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), **more}
    who = ("-c", "user.name=Mira", "-c", "user.email=m@example.com", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, env=environ, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "Mira")
    git(folder, "config", "user.email", "m@example.com")
    (folder / "train.py").write_text("pass\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def environ(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder.parent), "PATH": os.environ["PATH"]}


@pytest.fixture(params=["folder", "git"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Anchorage:
    if request.param == "folder":
        return Objects(FolderBackend(tmp_path / "elsewhere"))
    repository = request.getfixturevalue("repository")
    return Tags(repository, environ(repository))


def test_a_ledger_that_went_on_still_contains_its_anchors(there: Anchorage) -> None:
    place = Place()
    for count in (5, 5, 9):
        filled(place, count)
        made = Ledger(place, STORE).anchor(there)
        assert made == Anchor(store=STORE, number=count, hash=events.digest(place.objects[events.key(count)]))
    filled(place, 12)
    found = Ledger(place, STORE).verify([there])
    assert (found.problems, found.anchors) == ((), 2)
    assert {anchor.number for _, anchor in there.kept() if anchor} == {5, 9}


@pytest.mark.parametrize("how", ["cut", "rewritten", "forked", "empty", "another store"])
def test_a_client_that_never_saw_the_ledger_finds_what_was_done_behind_an_anchor(there: Anchorage, how: str) -> None:
    place, store = Place(), STORE
    written(place, 5)
    Ledger(place, STORE).anchor(there)
    if how == "cut":
        place.delete(events.key(5))
    elif how == "forked":
        for number in (4, 5):
            place.delete(events.key(number))
        for mark in range(50, 55):
            Ledger(place, STORE).append(lambda _, mark=mark: event(mark, events.NOTE))  # type: ignore[misc]
    else:
        place.objects.clear()
        store = OTHER if how == "another store" else STORE
        for mark in range(0 if how == "empty" else 8):
            Ledger(place, store).append(lambda _, mark=mark: event(mark, events.NOTE))  # type: ignore[misc]
    assert not Ledger(place, store).verify().problems
    found = Ledger(place, store).verify([there])
    assert len(found.problems) == 1
    assert found.problems[0].where
    assert there.url in found.problems[0].where


def test_another_hash_of_an_anchored_entry_is_not_written_down(there: Anchorage) -> None:
    place = Place()
    filled(place, 5)
    Ledger(place, STORE).anchor(there)
    place.objects.clear()
    for mark in range(50, 55):
        Ledger(place, STORE).append(lambda _, mark=mark: event(mark, events.NOTE))  # type: ignore[misc]
    with pytest.raises(Corrupt) as caught:
        Ledger(place, STORE).anchor(there)
    assert caught.value.hint
    assert len(list(there.kept())) == 1


def test_two_ledgers_share_a_place(there: Anchorage) -> None:
    for store in (STORE, OTHER):
        place = Place()
        for mark in range(3):
            Ledger(place, store).append(lambda _, mark=mark: event(mark, events.NOTE))  # type: ignore[misc]
        Ledger(place, store).anchor(there)
        found = Ledger(place, store).verify([there])
        assert (found.problems, found.anchors) == ((), 1)
    assert len(list(there.kept())) == 2


def test_a_ledger_without_an_entry_has_nothing_to_anchor(there: Anchorage) -> None:
    with pytest.raises(NotFound) as caught:
        Ledger(Place(), STORE).anchor(there)
    assert caught.value.hint
    assert not list(there.kept())


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 100_000, b'{"store":"5","number":0,"hash":"' + b"0" * 64 + b'"}'])
def test_an_anchor_that_makes_no_sense_is_said_to_be_that(data: bytes) -> None:
    place, other = Place(), Place()
    filled(place, 3)
    Ledger(place, STORE).anchor(Objects(other))
    (key,) = other.objects
    other.objects[key] = data
    problems = Ledger(place, STORE).verify([Objects(other)]).problems
    assert any(key in one.where for one in problems)


def test_an_anchor_under_another_name_does_not_count() -> None:
    place, other = Place(), Place()
    filled(place, 3)
    Ledger(place, STORE).anchor(Objects(other))
    (key,) = other.objects
    other.objects = {key.replace("3-", "2-"): other.objects[key]}
    assert len(Ledger(place, STORE).verify([Objects(other)]).problems) == 2


def test_a_tag_is_annotated_and_says_store_number_and_hash(repository: Path) -> None:
    place = Place()
    filled(place, 3)
    head = git(repository, "rev-parse", "HEAD").strip()
    made = Ledger(place, STORE).anchor(Tags(repository, environ(repository), clock=lambda: 1.7e9))
    said = git(repository, "cat-file", "tag", "lineal/ledger/3")
    assert f"object {head}" in said
    assert "tagger Mira <m@example.com> 1700000000 +0000" in said
    assert all(word in said for word in (STORE, '"number":3', made.hash))
    assert git(repository, "status", "--porcelain") == ""
    git(repository, "fsck", "--strict")


def test_tags_that_are_no_anchors_are_said_to_be_that(repository: Path) -> None:
    place = Place()
    filled(place, 3)
    tags = Tags(repository, environ(repository))
    Ledger(place, STORE).anchor(tags)
    git(repository, "tag", "lineal/ledger/2")
    git(repository, "tag", "-a", "-m", "hm", "lineal/ledger/1")
    git(repository, "tag", "lineal/ledger/7", "lineal/ledger/3^{tag}")  # the same object under another name
    git(repository, "tag", "v1")
    found = Ledger(place, STORE).verify([tags])
    assert sorted(one.where.split()[1] for one in found.problems) == [f"lineal/ledger/{number}" for number in (1, 2, 7)]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_a_tag_is_signed_with_the_users_key_and_by_no_program_of_the_repository(repository: Path) -> None:
    home, place = repository.parent, Place()
    filled(place, 3)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key")], check=True)
    (home / ".gitconfig").write_text(
        f"[user]\nname = Mira\nemail = m@example.com\nsigningkey = {home}/key.pub\n[gpg]\nformat = ssh\n"
        f'[gpg "ssh"]\nallowedSignersFile = {home}/allowed\n'
    )
    (home / "allowed").write_text(f"m@example.com {(home / 'key.pub').read_text()}")
    (home / "trap").write_text(f"#!/bin/sh\ntouch {home}/sprung\n")
    (home / "trap").chmod(0o755)
    for key in ("gpg.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand", "core.editor", "core.hooksPath"):
        git(repository, "config", key, str(home / "trap"))
    Ledger(place, STORE).anchor(Tags(repository, environ(repository), sign=True))
    assert not (home / "sprung").exists()
    git(repository, "config", "--unset", "gpg.ssh.program")
    assert "BEGIN SSH SIGNATURE" in git(repository, "cat-file", "tag", "lineal/ledger/3")
    git(repository, "verify-tag", "lineal/ledger/3")
    assert not Ledger(place, STORE).verify([Tags(repository, environ(repository))]).problems


def test_a_place_that_cannot_be_tagged_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Tags(tmp_path, environ(tmp_path / "x"))
    assert caught.value.hint
    git(tmp_path, "init", "-q")
    place = Place()
    filled(place, 3)
    with pytest.raises(ConfigError, match="no commit") as caught:
        Ledger(place, STORE).anchor(Tags(tmp_path, environ(tmp_path / "x")))
    assert caught.value.hint
